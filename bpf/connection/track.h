// SPDX-License-Identifier: GPL-2.0-only
// track: flow -> the connection it belongs to, if any, and what the packet makes of it.
//
//   takes    the flight: its flow, its packet and the translation that was found
//   gives    enum tracking; for a known packet also flight->rule, and flight->translation as the connection has it
//   before   translate (bpf/nat/find.h) for a received packet
//   after    decide (bpf/decide.h), which asks track again where a later step makes that worth it
#pragma once

#include "bpf/connection/rejudge.h"
#include "bpf/connection/state.h"
#include "bpf/connection/table.h"
#include "bpf/nat/masquerade.h"

// What the tables say of a packet. Where it is known, flight->rule and flight->translation are its connection's.
enum tracking {
    TRACK_NEW,          // of no live connection
    TRACK_KNOWN,        // of a live one: it passes with it
    TRACK_REVOKED,      // of one that an older policy let open, and this one would not: it has ended
    TRACK_STRAY_RESET,  // a reset that neither end of its connection can have sent: it changes nothing
};

// A half-open connection that has reached `state` moves to the confirmed ones, once: two processors can see it get
// there at the same moment. Who enters it takes it out of the half-open ones; the other one leaves both as they are.
// Where the confirmed ones have no room it stays half open and goes on.
OUT_OF_LINE void confirm(struct flight* flight, const struct edgefw_connection* connection, __u8 state) {
    const struct flow* flow = &flight->flow;
    struct edgefw_connection* confirmed = &flight->fresh;

    *confirmed = *connection;
    confirmed->state = state;
    // Recycled or moved meanwhile: what was copied may belong to another.
    if (lookup(flow, true) != connection) return;
    if (store(flow, false, confirmed, BPF_NOEXIST)) {
        // One that has ended is in the way, or this one is there already.
        if (live_in(flow, &flight->translation, false).connection) return;
        if (store(flow, false, confirmed, BPF_ANY)) return;
    }
    if (is_masqueraded(flow, confirmed)) confirm_public(flow, confirmed);
    forget(flow, true);
    lookup(flow, false);  // as store_opening() does
}

// A confirmed connection that closed, or begins anew, goes back to the half-open ones, as flight->fresh has it: what is
// closed makes room first.
OUT_OF_LINE void move_back(struct flight* flight, const struct edgefw_connection* connection) {
    const struct flow* flow = &flight->flow;

    if (lookup(flow, false) != connection) return;
    if (store_opening(flow, &flight->fresh, BPF_ANY)) return;
    if (is_masqueraded(flow, &flight->fresh)) move_back_public(flow, &flight->fresh);
    forget(flow, false);
}

// A reset of a confirmed connection that neither end can have sent.
static __always_inline bool is_stray_reset(const struct flight* flight, struct found found) {
    const struct edgefw_end* to = &found.connection->end[OTHER(HOOK)];

    if (flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & TCP_RST)) return false;
    if (found.half_open || is_closed(found.connection)) return false;
    return !reset_is_in_window(&flight->packet, to, began_in_midstream(found.connection) ? WIDEST_WINDOW : to->window);
}

// What the packet makes of its connection's state and numbers.
static __always_inline void advance(CONTEXT* context, struct flight* flight, struct found found) {
    struct packet* packet = &flight->packet;
    struct edgefw_connection* connection = found.connection;
    const bool from_opener = connection->hook == HOOK;
    struct edgefw_end* from = &connection->end[HOOK];
    struct edgefw_end* to = &connection->end[OTHER(HOOK)];
    __u8 state = connection->state;
    bool confirmed = !found.half_open;

    if (flight->flow.protocol != IPPROTO_TCP) {
        state = next_state(&flight->flow, connection, from_opener);
        confirmed |= is_two_way(state);
    } else {
        if ((packet->flags & TCP_SYN) && !began_in_midstream(connection)) packet->scale = find_scale(context, packet);
        if (found.half_open && began_in_midstream(connection)) {
            state = join_midstream(packet, connection);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        } else if (found.half_open) {
            state = handshake(packet, from, to, state, from_opener);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        } else if (answers_renewal(packet, connection)) {
            flight->fresh = *connection;
            renew(packet, &flight->fresh);
            move_back(flight, connection);
            return;
        } else if (flight->flow.is_syn) {
            note_renewal(packet, connection);
        }
        if (confirmed) {
            const bool fits = note_numbers(packet, from, to);

            state = next_tcp_state(packet, from, to, state, from_opener, fits);
        }
    }
    if (state == connection->state) return;
    if (found.half_open && confirmed) {
        confirm(flight, connection, state);
        return;
    }
    connection->state = state;
    if (found.half_open || state != EDGEFW_STATE_TCP_CLOSED) return;
    flight->fresh = *connection;
    move_back(flight, connection);
}

// The packet counts for the rule of this connection, and goes where it goes.
static __always_inline void go_with(struct flight* flight, const struct edgefw_connection* connection) {
    flight->rule = connection->rule;
    if (!config.translates || flight->flow.family != EDGEFW_IPV4) return;
    flight->translation.nat = connection->nat;
    if (HOOK == EDGEFW_RECEIVED) return;
    flight->translation.public_address = connection->public_address;
    flight->translation.public_port = connection->public_port;
}

// The packet is part of this live connection, and keeps it alive if it `renews`.
static __always_inline void pass_along(struct flight* flight, struct edgefw_connection* connection, bool renews) {
    const __u64 now = bpf_jiffies64();

    if (renews && now != connection->seen) connection->seen = now;
    connection->end[HOOK].bytes += wire_bytes(&flight->packet);
    go_with(flight, connection);
}

// The packet is of the end that was not seen first, and may open a connection of its own instead of one that was
// learned: that one was not it.
static __always_inline bool opens_instead(const struct flow* flow, const struct edgefw_connection* connection) {
    return connection->generation == 0 && connection->hook != HOOK && flow->opens && flow->protocol != IPPROTO_TCP;
}

// `is_unconfirmed`: as live() takes it.
GLOBAL enum tracking track(CONTEXT* context, int is_unconfirmed) {
    struct flight* flight = fetch();
    struct found found;

    if (!flight) return TRACK_NEW;
    found = live(&flight->flow, &flight->translation, is_unconfirmed);
    if (!found.connection) {
        if (HOOK == EDGEFW_RECEIVED && config.has_forwards && flight->translation.retired && !flight->flow.is_syn &&
            revoke_retired(flight))
            return TRACK_REVOKED;
        return TRACK_NEW;
    }
    if (config.armed && is_of_older_policy(found.connection)) {
        const bool opens_anew = opens_instead(&flight->flow, found.connection);

        if (!judge_again(flight, &flight->flow, found.connection, found.half_open)) {
            revoke(&flight->flow, found);
            return opens_anew ? TRACK_NEW : TRACK_REVOKED;
        }
    }
    if (!passes_by(&flight->flow, found.connection)) return TRACK_NEW;  // it has just become unproven
    if (is_stray_reset(flight, found)) return TRACK_STRAY_RESET;
    pass_along(flight, found.connection, !is_unproven(found.connection));
    if (is_unproven(found.connection) && (flight->packet.flags & TCP_RST))
        forget(&flight->flow, true);
    else
        advance(context, flight, found);
    return TRACK_KNOWN;
}

// The connection is open, and the packet changes nothing but its numbers.
static __always_inline bool is_plain(const struct flight* flight, const struct edgefw_connection* connection) {
    if (connection->generation != config.generation || is_closed(connection)) return false;
    return flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

// track, before anything else is asked: a whole packet of a live connection. (No built-in rule comes before it: what
// one passes opens no connection under the same policy, but DHCP that became the host's own later.) What is common is
// inline: a plain packet of a confirmed connection that this generation has judged.
static __always_inline enum tracking track_first(CONTEXT* context, struct flight* flight) {
    const struct flow* flow = &flight->flow;
    struct edgefw_connection* connection;

    if (!config.keeps_state || !flow->tracked || flow->is_syn || flight->packet.fragment != FRAGMENT_NONE)
        return TRACK_NEW;
    connection = lookup(flow, false);
    if (!is_live_and_its_own(flow, &flight->translation, connection) || !is_plain(flight, connection))
        return track(context, !connection);
    if (flow->protocol == IPPROTO_TCP)
        note_numbers(&flight->packet, &connection->end[HOOK], &connection->end[OTHER(HOOK)]);
    pass_along(flight, connection, true);
    return TRACK_KNOWN;
}
