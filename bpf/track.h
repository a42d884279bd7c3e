// track: packet -> the connection it belongs to, if any; and open: a new one. Tables: maps/connection.h.
//
// An LRU element can be recycled for another key while a pointer to it is held. Nothing here depends on that not
// happening: what identifies a connection, its translation included, is in the key; what is read through the pointer is
// a verdict's colour (which rule counts), and revocation looks the key up again before it believes what it read.
#pragma once

#include "bpf/classify.h"
#include "bpf/maps.h"
#include "bpf/translate.h"

#include <bpf/bpf_endian.h>

// Keeps clang from merging a call on one map with the same call on another: with a map chosen at run time the verifier
// can neither inline the lookup nor call it directly (measured: 22 ns through a retpoline).
// A barrier behind one of the two is enough to tell them apart.
#define STAY_APART() asm volatile("" ::: "memory")

static __always_inline struct edgefw_connection* lookup(const struct packet* packet) {
    struct edgefw_connection* found;

    if (packet->family == EDGEFW_IPV4) {
        found = bpf_map_lookup_elem(&connections4, &packet->key4);
        STAY_APART();
    } else {
        found = bpf_map_lookup_elem(&connections6, &packet->key6);
    }
    return found;
}

static __always_inline void forget(const struct packet* packet) {
    if (packet->family == EDGEFW_IPV4)
        bpf_map_delete_elem(&connections4, &packet->key4);
    else
        bpf_map_delete_elem(&connections6, &packet->key6);
}

static __always_inline long store(const struct packet* packet, const struct edgefw_connection* value, __u64 flags) {
    long result;

    if (packet->family == EDGEFW_IPV4) {
        result = bpf_map_update_elem(&connections4, &packet->key4, value, flags);
        STAY_APART();
    } else {
        result = bpf_map_update_elem(&connections6, &packet->key6, value, flags);
    }
    return result;
}

static __always_inline bool is_live(const struct packet* packet, const struct edgefw_connection* connection) {
    __u32 state = connection->state;

    if (state >= EDGEFW_STATE_COUNT || (packet->is_syn && state == EDGEFW_STATE_TCP_CLOSED)) return false;
    return (__u32)bpf_jiffies64() - connection->seen <= config.timeout[state];
}

static __always_inline bool is_closed(const struct edgefw_connection* connection) {
    return connection->state == EDGEFW_STATE_TCP_CLOSED;
}

static __always_inline __u8 first_state(const struct packet* packet) {
    switch (packet->protocol) {
        case IPPROTO_TCP:
            return EDGEFW_STATE_TCP_OPENING;
        case IPPROTO_UDP:
            return EDGEFW_STATE_UDP_ONE_WAY;
        case IPPROTO_ICMP:
        case PROTOCOL_ICMPV6:
            return EDGEFW_STATE_ECHO;
        default:
            return EDGEFW_STATE_OTHER_ONE_WAY;
    }
}

static __always_inline __u8 next_tcp_state(__u8 state, __u32 flags, bool from_opener) {
    if (flags & TCP_RST || state == EDGEFW_STATE_TCP_CLOSED) return EDGEFW_STATE_TCP_CLOSED;
    if (flags & TCP_FIN) {
        __u8 other = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;

        if (state == other) return EDGEFW_STATE_TCP_CLOSED;
        return from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    }
    if (state == EDGEFW_STATE_TCP_OPENING && !from_opener) return EDGEFW_STATE_TCP_ESTABLISHED;
    return state;
}

static __always_inline __u8 next_state(const struct packet* packet, __u8 state, bool from_opener) {
    if (packet->protocol == IPPROTO_TCP) return next_tcp_state(state, packet->detail, from_opener);
    if (state == EDGEFW_STATE_UDP_ONE_WAY && !from_opener) return EDGEFW_STATE_UDP_TWO_WAY;
    if (state == EDGEFW_STATE_OTHER_ONE_WAY && !from_opener) return EDGEFW_STATE_OTHER_TWO_WAY;
    return state;
}

// Of a translated connection: whether the entry that translated its opener would do so today, to the same target.
static __always_inline bool translates_as_before(const struct packet* packet, __be32 address, __be16 port) {
    const struct edgefw_forward* forward = forward_of_public(address, port, packet->key4.protocol, NULL);

    return forward && forward->slot == packet->key4.nat && forward->target_port == packet->key4.local_port &&
           forward->target_address == packet->key4.local;
}

// Judges what opened the connection again, under this program's policy. True: it goes on.
// Its own function: it runs once a connection and push.
static __noinline bool judge_again(struct packet* packet, struct edgefw_connection* connection) {
    __u16 detail = packet->detail, vlan = packet->vlan;
    bool opens = packet->opens;
    __u32 hook = connection->hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    __u32 outcome, slot = EDGEFW_SLOT_NONE;
    bool translated = true;

    packet->detail = connection->detail;
    packet->vlan = connection->vlan;
    packet->opens = true;
    if (config.has_forwards && packet->family == EDGEFW_IPV4 && packet->key4.nat)
        translated = translates_as_before(packet, connection->public_address, connection->public_port);
    if (classify(packet, TREE_INDEX(hook, packet->family & 1))) {
        outcome = packet->outcome;
        slot = outcome & EDGEFW_OUTCOME_SLOT_MASK;
    } else {
        outcome = hook == EDGEFW_SENT ? config.default_outcome[EDGEFW_SENT] : config.default_outcome[EDGEFW_RECEIVED];
    }
    packet->detail = detail;
    packet->vlan = vlan;
    packet->opens = opens;
    // Recycled meanwhile: what was read belonged to another. Then there is no connection of this key.
    if (lookup(packet) != connection || !translated || !(outcome & EDGEFW_OUTCOME_PASS)) return false;
    connection->rule = slot;
    connection->generation = config.generation;
    return true;
}

static __always_inline void revoke(struct packet* packet) {
    forget(packet);
    packet->nat = 0;
    packet->verdict = EDGEFW_DROP;
    packet->reason = EDGEFW_REASON_REVOKED;
}

// The packet is part of this live connection: lets it through, counts it for the connection's rule, moves the state on.
static __always_inline void pass_along(struct packet* packet, struct edgefw_connection* connection, const __u32 hook) {
    __u32 now = bpf_jiffies64();
    __u8 state = next_state(packet, connection->state, connection->hook == hook);

    if (state != connection->state) connection->state = state;
    if (now != connection->seen) connection->seen = now;
    packet->verdict = EDGEFW_PASS;
    packet->reason = EDGEFW_REASON_CONNECTION;
    packet->slot = connection->rule;
    if (config.has_forwards && packet->family == EDGEFW_IPV4) packet->nat = packet->key4.nat;
}

// Sent from a forward's target: the connections through the public addresses come before a direct one. There are
// as many candidates as public addresses of the target; the compiler keeps them within a chain.
static __always_inline struct edgefw_connection* find_translated(struct packet* packet, const bool closed) {
    __u32 index = edgefw_forward_bucket(packet->key4.local, packet->key4.local_port, packet->key4.protocol,
                                        config.forward_out_seed, config.forward_out_mask);

#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
        struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_out, &index);
        struct edgefw_connection* connection;

        if (!forward) break;
        if ((forward->flags & EDGEFW_FORWARD_USED) && forward->target_address == packet->key4.local &&
            forward->target_port == packet->key4.local_port && forward->protocol == packet->key4.protocol) {
            set_key_end(packet, packet->key4.local_port, packet->key4.remote_port, forward->slot);
            connection = lookup(packet);
            if (connection && is_live(packet, connection) && is_closed(connection) == closed) {
                packet->public_address = forward->public_address;
                packet->public_port = forward->public_port;
                return connection;
            }
        }
        index = forward->next;
        if (index == 0) break;
    }
    set_key_end(packet, packet->key4.local_port, packet->key4.remote_port, 0);
    return NULL;
}

// The live connection of the packet, or NULL. Of a translated one the key says which forward it came through.
static __always_inline struct edgefw_connection* find(struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection;

    const bool forwarded = hook == EDGEFW_SENT && may_be_forwarded(packet, hook);

    if (forwarded) {
        connection = find_translated(packet, false);
        if (connection) return connection;
    }
    connection = lookup(packet);
    if (connection && !is_live(packet, connection)) connection = NULL;
    if (!forwarded || (connection && !is_closed(connection))) return connection;
    // A client may use a port again, through the forward first and then directly: what is open comes before what is
    // closed.
    struct edgefw_connection* closed = find_translated(packet, true);
    return closed ? closed : connection;
}

// A connection that a retired forward translated is not found by what the packet is now: it is looked up as it was,
// and ends.
static __always_inline bool revoke_retired(struct packet* packet) {
    __u32 index = packet->retired - 1;
    const struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_in, &index);
    const struct edgefw_connection4_key now = packet->key4;
    const struct edgefw_connection* connection;
    bool found;

    if (!forward) return false;
    packet->key4.local = forward->target_address;
    packet->key4.local_port = forward->target_port;
    packet->key4.nat = forward->slot;
    connection = lookup(packet);
    found = connection && is_live(packet, connection);
    if (found) revoke(packet);
    packet->key4 = now;
    return found;
}

// track: true when the packet is decided by a connection (passed or revoked).
static __always_inline bool track_slowly(struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection = find(packet, hook);

    if (!connection) return hook == EDGEFW_RECEIVED && config.has_forwards && packet->retired && revoke_retired(packet);
    if ((__s32)(connection->generation - config.generation) < 0 && !judge_again(packet, connection))
        revoke(packet);
    else
        pass_along(packet, connection, hook);
    return true;
}

__noinline int track_received(struct packet* packet) {
    return packet ? track_slowly(packet, EDGEFW_RECEIVED) : 0;
}

__noinline int track_sent(struct packet* packet) {
    return packet ? track_slowly(packet, EDGEFW_SENT) : 0;
}

static __always_inline bool track(struct packet* packet, const __u32 hook) {
    return hook == EDGEFW_RECEIVED ? track_received(packet) : track_sent(packet);
}

// The common case of track, before anything else is asked: a whole packet of a live connection that this generation has
// judged. (No built-in rule comes before it: what one passes never opens a connection under the same policy.)
static __always_inline bool pass_known(struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection;

    if (!config.keeps_state || !packet->tracked || packet->is_syn || packet->fragment != FRAGMENT_NONE) return false;
    connection = find(packet, hook);
    if (!connection) {
        packet->unknown = !packet->retired;
        return false;
    }
    if (connection->generation != config.generation) return false;
    pass_along(packet, connection, hook);
    return true;
}

enum opening {
    OPENED,
    KNOWN,    // the connection was there already, and has decided the packet
    REFUSED,  // the kernel could not store it
};

// Enters the connection that `packet` opens under the rule in `slot`.
static __always_inline enum opening open(struct packet* packet, __u32 hook) {
    __u32 now = bpf_jiffies64();
    struct edgefw_connection value = {
        .generation = config.generation,
        .rule = packet->slot,
        .seen = now,
        .opened = now,
        .hook = hook,
        .state = first_state(packet),
        .detail = packet->detail,
        .vlan = packet->vlan,
    };
    __u32 slot = packet->slot;

    if (packet->nat) {
        value.public_address = packet->public_address;
        value.public_port = packet->public_port;
    }
    if (store(packet, &value, BPF_NOEXIST) == 0) return OPENED;
    if (track(packet, hook)) return KNOWN;
    packet->slot = slot;
    return store(packet, &value, BPF_ANY) == 0 ? OPENED : REFUSED;
}
