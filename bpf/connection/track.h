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

// What the tables say of a packet. flight->rule and flight->translation are those of the connection where it is known.
enum tracking {
    TRACK_NEW,          // the packet belongs to no live connection
    TRACK_KNOWN,        // it belongs to a live one, and passes with it
    TRACK_REVOKED,      // its connection was opened under an older policy, and this one would not open it
    TRACK_STRAY_RESET,  // it is a reset that neither end of its connection can have sent: it changes nothing
};

// Moves a half-open connection that has reached `state` to the confirmed ones. Where those have no room it stays half
// open and goes on.
//
// Two processors can see it get there at the same moment, and both come here. Both enter it with BPF_NOEXIST: the one
// that the kernel lets do so takes it out of the half-open ones. The other one finds it live among the confirmed ones,
// and leaves both tables as they are. The connection is entered there before it is taken out here, so that a third
// processor finds it in one of the two, or in both: then the confirmed one counts, which is asked first. What the
// second processor's packet moved in the meantime is lost with the half-open element. That is at most one step of its
// numbers.
OUT_OF_LINE void confirm(struct flight* flight, const struct edgefw_connection* connection, __u8 state) {
    const struct flow* flow = &flight->flow;
    struct edgefw_connection* confirmed = &flight->fresh;

    *confirmed = *connection;
    confirmed->state = state;
    // The element was recycled, or has moved. What was copied may belong to another connection.
    if (lookup(flow, true) != connection) return;
    if (store(flow, false, confirmed, BPF_NOEXIST)) {
        // A connection that has ended is in the way, or another processor has entered this one.
        if (live_in(flow, &flight->translation, false).connection) return;
        if (store(flow, false, confirmed, BPF_ANY)) return;
    }
    if (is_masqueraded(flow, confirmed)) confirm_public(flow, confirmed);
    forget(flow, true);
    lookup(flow, false);  // as store_opening() does
}

// Moves a confirmed connection that closed, or begins anew, back to the half-open ones, as flight->fresh has it: a
// closed connection makes room first.
//
// Two processors can see it close at the same moment, and both come here. The one that comes second finds another
// element, or none, and leaves; or both enter the same closed connection, and the second entry replaces the first. It
// is entered there before it is taken out here, as in confirm(). Should the opener's next SYN have entered a new
// connection between the two entries, the second one covers it with a closed connection. The next SYN opens one again,
// since it passes by no closed connection.
OUT_OF_LINE void move_back(struct flight* flight, const struct edgefw_connection* connection) {
    const struct flow* flow = &flight->flow;

    if (lookup(flow, false) != connection) return;
    if (store_opening(flow, &flight->fresh, BPF_ANY)) return;
    if (is_masqueraded(flow, &flight->fresh)) move_back_public(flow, &flight->fresh);
    forget(flow, false);
}

// Whether the packet is a reset that neither end of its confirmed connection can have sent.
static __always_inline bool is_stray_reset(const struct flight* flight, struct found found) {
    const struct edgefw_end* to = &found.connection->end[OTHER(HOOK)];

    if (flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & TCP_RST)) return false;
    if (found.half_open || is_closed(found.connection)) return false;
    return !reset_is_in_window(&flight->packet, to, began_in_midstream(found.connection) ? WIDEST_WINDOW : to->window);
}

// Moves the connection's state and numbers on, as the packet says.
//
// The state is read, and the next one written, without a lock. Two processors may do so at once, and the last one
// counts. So the state is always one that one of the two packets gives; lost is what the other one said:
// - A FIN from each end at the same moment: one is lost, and the connection is half closed. It ends by the timeout of
//   that (tcp-closing), or when that end sends its FIN again.
// - A FIN and a reset: the reset moves a copy to the half-open ones. The copy is closed; or half closed, if the state
//   of the FIN is written just before the copy is made, and then it ends by its timeout, too.
// - An answer and a packet of the opener: if the answer is lost, the other end's next segment answers.
// - A reset and an answer, half open: if the reset is lost, the connection ends by its timeout (tcp-opening).
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

// The packet counts for the rule of this connection, and is translated as the connection is.
static __always_inline void go_with(struct flight* flight, const struct edgefw_connection* connection) {
    flight->rule = connection->rule;
    if (!config.translates || flight->flow.family != EDGEFW_IPV4) return;
    flight->translation.nat = connection->nat;
    if (HOOK == EDGEFW_RECEIVED) return;
    flight->translation.public_address = connection->public_address;
    flight->translation.public_port = connection->public_port;
}

// The packet is part of this live connection. `renews`: the packet keeps it alive.
static __always_inline void pass_along(struct flight* flight, struct edgefw_connection* connection, bool renews) {
    const __u64 now = bpf_jiffies64();

    if (renews && now != connection->seen) connection->seen = now;
    connection->end[HOOK].bytes += wire_bytes(&flight->packet);
    go_with(flight, connection);
}

// Whether the packet may open a connection of its own in the place of a learned one. It comes from the end that was not
// seen first: the learned connection had taken a reply for the opener.
static __always_inline bool opens_instead(const struct flow* flow, const struct edgefw_connection* connection) {
    return connection->generation == 0 && connection->hook != HOOK && flow->opens && flow->protocol != IPPROTO_TCP;
}

// Finds the packet's connection, and makes of it what the packet says. `is_unconfirmed`: as live() takes it.
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
            flight->packet.is_revoked = revoke(&flight->flow, found.connection, found.half_open);
            return opens_anew || (flight->packet.is_revoked && flight->flow.opens) ? TRACK_NEW : TRACK_REVOKED;
        }
    }
    if (!passes_by(&flight->flow, found.connection)) return TRACK_NEW;  // the connection has just become unproven
    if (is_stray_reset(flight, found)) return TRACK_STRAY_RESET;
    pass_along(flight, found.connection, !is_unproven(found.connection));
    if (is_unproven(found.connection) && (flight->packet.flags & TCP_RST))
        forget(&flight->flow, true);
    else
        advance(context, flight, found);
    return TRACK_KNOWN;
}

// Whether the connection is open, and the packet changes nothing of it but its numbers.
static __always_inline bool is_plain(const struct flight* flight, const struct edgefw_connection* connection) {
    if (connection->generation != config.generation || is_closed(connection)) return false;
    return flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

// track for whole packets, before anything else is asked. (No built-in rule comes before. A packet that one passes
// opens no connection under the same policy, but for DHCP that became the host's own later.) The common case is inline:
// a plain packet of a confirmed connection that this generation has judged.
static __always_inline enum tracking track_first(CONTEXT* context, struct flight* flight) {
    const struct flow* flow = &flight->flow;
    struct edgefw_connection* connection;

    if (!config.keeps_state || !flow->tracked || flow->is_syn || flight->packet.fragment != FRAGMENT_NONE)
        return TRACK_NEW;
    if (!may_have_connection(flow->protocol)) return TRACK_NEW;
    connection = lookup(flow, false);
    if (!is_live_and_its_own(flow, &flight->translation, connection) || !is_plain(flight, connection))
        return track(context, !connection);
    if (flow->protocol == IPPROTO_TCP)
        note_numbers(&flight->packet, &connection->end[HOOK], &connection->end[OTHER(HOOK)]);
    pass_along(flight, connection, true);
    return TRACK_KNOWN;
}
