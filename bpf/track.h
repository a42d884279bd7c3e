// track: packet -> the connection it belongs to, if any, which decides it.
#pragma once

#include "bpf/masquerade.h"
#include "bpf/rejudge.h"
#include "bpf/state.h"
#include "bpf/table.h"

// A half-open connection that has reached `state` moves to the confirmed ones. Where those have no room it stays half
// open and goes on. Its own function: it runs once a connection.
static __noinline void confirm(struct packet* packet, struct edgefw_connection* connection, __u8 state) {
    __u8 before = connection->state;

    connection->state = state;
    if (store(packet, false, connection, BPF_ANY)) {
        connection->state = before;
        return;
    }
    // Recycled meanwhile: what was stored belonged to another.
    if (lookup(packet, true) != connection) {
        forget(packet, false);
        return;
    }
    if (config.masquerades && packet->family == EDGEFW_IPV4 && connection->masqueraded)
        confirm_public(packet, connection);
    forget(packet, true);
    // An entry that nothing has looked up yet makes room before all others (the kernel's LRU).
    lookup(packet, false);
}

// A confirmed connection that closed makes room first: it goes back to the half-open ones. Its own function, likewise.
static __noinline void retire(struct packet* packet, struct edgefw_connection* connection) {
    connection->state = EDGEFW_STATE_TCP_CLOSED;
    if (store(packet, true, connection, BPF_ANY)) return;
    if (config.masquerades && packet->family == EDGEFW_IPV4 && connection->masqueraded)
        retire_public(packet, connection);
    forget(packet, false);
}

// A reset of a confirmed connection that neither end can have sent: it changes nothing, and drops.
static __always_inline bool is_stray_reset(const struct packet* packet, const struct edgefw_connection* connection,
                                           const __u32 hook) {
    if (packet->protocol != IPPROTO_TCP || !(packet->detail & TCP_RST)) return false;
    if (packet->half_open || is_closed(connection)) return false;
    return !reset_fits(packet, &connection->end[hook], &connection->end[OTHER(hook)]);
}

// What the packet makes of its connection's state and numbers.
static __always_inline void advance(void* context, struct packet* packet, struct edgefw_connection* connection,
                                    const __u32 hook) {
    const bool from_opener = connection->hook == hook;
    struct edgefw_end* from = &connection->end[hook];
    struct edgefw_end* to = &connection->end[OTHER(hook)];
    __u8 state = connection->state;
    bool confirmed = !packet->half_open;

    if (packet->protocol != IPPROTO_TCP) {
        state = next_state(state, from_opener);
        confirmed |= is_two_way(state);
    } else {
        if (packet->half_open && in_midstream(connection)) {
            note_numbers(packet, from, to);
            state = join_midstream(packet, connection, from, to);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        } else if (packet->half_open) {
            if (packet->detail & TCP_SYN) read_scale(context, hook, packet);
            state = handshake(packet, from, to, state, from_opener);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        }
        if (confirmed) {
            note_numbers(packet, from, to);
            state = next_tcp_state(packet, to, state, from_opener);
        }
    }
    if (state == connection->state) return;
    if (packet->half_open && confirmed)
        confirm(packet, connection, state);
    else if (!packet->half_open && state == EDGEFW_STATE_TCP_CLOSED)
        retire(packet, connection);
    else
        connection->state = state;
}

// The packet goes where its connection goes.
static __always_inline void take_translation(struct packet* packet, const struct edgefw_connection* connection,
                                             const __u32 hook) {
    if (!config.translates || packet->family != EDGEFW_IPV4) return;
    packet->nat = connection->nat;
    if (hook == EDGEFW_RECEIVED) return;
    packet->public_address = connection->public_address;
    packet->public_port = connection->public_port;
}

// The packet is part of this live connection, and counts for its rule.
static __always_inline void pass_along(struct packet* packet, struct edgefw_connection* connection, const __u32 hook) {
    __u32 now = bpf_jiffies64();

    if (now != connection->seen) connection->seen = now;
    connection->end[hook].bytes += wire_bytes(packet, hook);
    packet->verdict = EDGEFW_PASS;
    packet->reason = EDGEFW_REASON_CONNECTION;
    packet->slot = connection->rule;
    take_translation(packet, connection, hook);
}

// track: true when the packet is decided by a connection (passed, revoked, or a reset that does not fit).
static __always_inline bool track_slowly(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection = live(packet, hook);

    if (!connection) {
        return hook == EDGEFW_RECEIVED && config.has_forwards && packet->retired && !packet->is_syn &&
               revoke_retired(packet);
    }
    if (config.armed && (__s32)(connection->generation - config.generation) < 0 && !judge_again(packet, connection)) {
        revoke(packet, connection);
        return true;
    }
    if (is_stray_reset(packet, connection, hook)) {
        packet->verdict = EDGEFW_DROP;
        packet->reason = EDGEFW_REASON_TCP_SEQUENCE;
        return true;
    }
    pass_along(packet, connection, hook);
    advance(context, packet, connection, hook);
    return true;
}

__noinline int track_received(struct xdp_md* context, struct packet* packet) {
    return packet ? track_slowly(context, packet, EDGEFW_RECEIVED) : 0;
}

__noinline int track_sent(struct __sk_buff* context, struct packet* packet) {
    return packet ? track_slowly(context, packet, EDGEFW_SENT) : 0;
}

static __always_inline bool track(void* context, struct packet* packet, const __u32 hook) {
    return hook == EDGEFW_RECEIVED ? track_received(context, packet) : track_sent(context, packet);
}

// The connection is open, and the packet changes nothing but its numbers.
static __always_inline bool is_plain(const struct packet* packet, const struct edgefw_connection* connection) {
    if (connection->generation != config.generation || is_closed(connection)) return false;
    return packet->protocol != IPPROTO_TCP || !(packet->detail & (TCP_SYN | TCP_FIN | TCP_RST));
}

// track, before anything else is asked: a whole packet of a live connection. (No built-in rule comes before it: what
// one passes never opens a connection under the same policy.) What is common is inline: a plain packet of a confirmed
// connection that this generation has judged.
static __always_inline bool pass_known(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection;

    if (!config.keeps_state || !packet->tracked || packet->is_syn || packet->fragment != FRAGMENT_NONE) return false;
    connection = lookup(packet, false);
    packet->is_unconfirmed = !connection;
    if (!is_live_and_its_own(packet, connection, hook) || !is_plain(packet, connection))
        return track(context, packet, hook);
    if (packet->protocol == IPPROTO_TCP) note_numbers(packet, &connection->end[hook], &connection->end[OTHER(hook)]);
    pass_along(packet, connection, hook);
    return true;
}
