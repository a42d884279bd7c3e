// track: flow -> the connection it belongs to, if any, and what the packet makes of it.
#pragma once

#include "bpf/masquerade.h"
#include "bpf/rejudge.h"
#include "bpf/state.h"
#include "bpf/table.h"

// What the tables say of a packet. Where it is known, flight->rule and flight->translation are its connection's.
enum tracking {
    TRACK_NEW,          // of no live connection
    TRACK_KNOWN,        // of a live one: it passes with it
    TRACK_REVOKED,      // of one that an older policy let open, and this one would not: it has ended
    TRACK_STRAY_RESET,  // a reset that neither end of its connection can have sent: it changes nothing
};

// A half-open connection that has reached `state` moves to the confirmed ones. Where those have no room it stays half
// open and goes on. Its own function: it runs once a connection.
static __noinline void confirm(const struct flow* flow, struct edgefw_connection* connection, __u8 state) {
    __u8 before = connection->state;

    connection->state = state;
    if (store(flow, false, connection, BPF_ANY)) {
        connection->state = before;
        return;
    }
    // Recycled meanwhile: what was stored belonged to another.
    if (lookup(flow, true) != connection) {
        forget(flow, false);
        return;
    }
    if (is_masqueraded(flow, connection)) confirm_public(flow, connection);
    forget(flow, true);
    // An entry that nothing has looked up yet makes room before all others (the kernel's LRU).
    lookup(flow, false);
}

// A confirmed connection that closed makes room first: it goes back to the half-open ones. Its own function, likewise.
static __noinline void retire(const struct flow* flow, struct edgefw_connection* connection) {
    connection->state = EDGEFW_STATE_TCP_CLOSED;
    if (store(flow, true, connection, BPF_ANY)) return;
    if (is_masqueraded(flow, connection)) retire_public(flow, connection);
    forget(flow, false);
}

// A reset of a confirmed connection that neither end can have sent.
static __always_inline bool is_stray_reset(const struct flight* flight, struct found found) {
    if (flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & TCP_RST)) return false;
    if (found.half_open || is_closed(found.connection)) return false;
    return !reset_fits(&flight->packet, &found.connection->end[HOOK], &found.connection->end[OTHER(HOOK)]);
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
        state = next_state(state, from_opener);
        confirmed |= is_two_way(state);
    } else {
        if (found.half_open && in_midstream(connection)) {
            note_numbers(packet, from, to);
            state = join_midstream(packet, connection, from, to);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        } else if (found.half_open) {
            if (packet->flags & TCP_SYN) packet->scale = find_scale(context, packet);
            state = handshake(packet, from, to, state, from_opener);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        }
        if (confirmed) {
            note_numbers(packet, from, to);
            state = next_tcp_state(packet, to, state, from_opener);
        }
    }
    if (state == connection->state) return;
    if (found.half_open && confirmed)
        confirm(&flight->flow, connection, state);
    else if (!found.half_open && state == EDGEFW_STATE_TCP_CLOSED)
        retire(&flight->flow, connection);
    else
        connection->state = state;
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

// The packet is part of this live connection.
static __always_inline void pass_along(struct flight* flight, struct edgefw_connection* connection) {
    const __u32 now = bpf_jiffies64();

    if (now != connection->seen) connection->seen = now;
    connection->end[HOOK].bytes += wire_bytes(&flight->packet);
    go_with(flight, connection);
}

// Returns enum tracking. `is_unconfirmed`: as live() takes it.
__noinline int track(CONTEXT* context, int is_unconfirmed) {
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
    if (config.armed && is_of_older_policy(found.connection) &&
        !judge_again(flight, &flight->flow, found.connection, found.half_open)) {
        revoke(&flight->flow, found);
        return TRACK_REVOKED;
    }
    if (is_stray_reset(flight, found)) return TRACK_STRAY_RESET;
    pass_along(flight, found.connection);
    advance(context, flight, found);
    return TRACK_KNOWN;
}

// The connection is open, and the packet changes nothing but its numbers.
static __always_inline bool is_plain(const struct flight* flight, const struct edgefw_connection* connection) {
    if (connection->generation != config.generation || is_closed(connection)) return false;
    return flight->flow.protocol != IPPROTO_TCP || !(flight->packet.flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

// track, before anything else is asked: a whole packet of a live connection. (No built-in rule comes before it: what
// one passes never opens a connection under the same policy.) What is common is inline: a plain packet of a confirmed
// connection that this generation has judged.
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
    pass_along(flight, connection);
    return TRACK_KNOWN;
}
