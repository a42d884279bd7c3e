// The tables of connections: half open and confirmed, IPv4 and IPv6 (maps/connection.h). Looking up, storing,
// forgetting.
//
// An LRU element can be recycled for another key while a pointer to it is held. No verdict depends on that not
// happening: what identifies a connection is in the key; what is read through the pointer says which rule counts,
// whether a reset is believed and, sent, what the public end is; where more hangs on it (revocation, confirmation) the
// key is looked up again. What is written through it can at worst leave another connection with wrong numbers: a reset
// of it is refused.
#pragma once

#include "bpf/account.h"
#include "bpf/carry_over.h"
#include "bpf/maps.h"

// Keeps clang from merging a call on one map with the same call on another: with a map chosen at run time the verifier
// can neither inline the lookup nor call it directly (measured: 22 ns through a retpoline).
// A barrier behind one of the two is enough to tell them apart.
#define STAY_APART() asm volatile("" ::: "memory")

static __always_inline struct edgefw_connection* lookup_once(const struct packet* packet, const bool half_open) {
    struct edgefw_connection* found;

    if (packet->family == EDGEFW_IPV4) {
        found = half_open ? bpf_map_lookup_elem(&openings4, &packet->key4)
                          : bpf_map_lookup_elem(&connections4, &packet->key4);
        STAY_APART();
    } else {
        found = half_open ? bpf_map_lookup_elem(&openings6, &packet->key6)
                          : bpf_map_lookup_elem(&connections6, &packet->key6);
    }
    return found;
}

static __always_inline struct edgefw_connection* lookup(struct packet* packet, const bool half_open) {
    struct edgefw_connection* found = lookup_once(packet, half_open);

    if (config.comes_over && !found && carry_over(packet, half_open)) found = lookup_once(packet, half_open);
    return found;
}

static __always_inline void forget(struct packet* packet, const bool half_open) {
    const bool in_older = config.comes_over && remove_older(packet, half_open);
    long result;

    if (packet->family == EDGEFW_IPV4) {
        result = half_open ? bpf_map_delete_elem(&openings4, &packet->key4)
                           : bpf_map_delete_elem(&connections4, &packet->key4);
        STAY_APART();
    } else {
        result = half_open ? bpf_map_delete_elem(&openings6, &packet->key6)
                           : bpf_map_delete_elem(&connections6, &packet->key6);
    }
    if (result == 0 || in_older) count_event(packet, half_open, REMOVED);
}

static __always_inline long store_once(const struct packet* packet, const bool half_open,
                                       const struct edgefw_connection* value, __u64 flags) {
    long result;

    if (packet->family == EDGEFW_IPV4) {
        result = half_open ? bpf_map_update_elem(&openings4, &packet->key4, value, flags)
                           : bpf_map_update_elem(&connections4, &packet->key4, value, flags);
        STAY_APART();
    } else {
        result = half_open ? bpf_map_update_elem(&openings6, &packet->key6, value, flags)
                           : bpf_map_update_elem(&connections6, &packet->key6, value, flags);
    }
    return result;
}

// Takes the place of another one of the key: rare.
static __noinline long store_over(struct packet* packet, const bool half_open, const struct edgefw_connection* value,
                                  long refusal) {
    long result = half_open ? store_once(packet, true, value, BPF_ANY) : store_once(packet, false, value, BPF_ANY);

    count_event(packet, half_open, result ? NOT_STORED : refusal == -EEXIST ? REPLACED : INSERTED);
    return result;
}

// `flags`: BPF_NOEXIST, or BPF_ANY to take the place of another one of the key. Tells a new entry from a replaced one:
// what was inserted, less what was removed and is there, is what LRU recycled.
static __always_inline long store(struct packet* packet, const bool half_open, const struct edgefw_connection* value,
                                  const __u64 flags) {
    long result;

    if (config.comes_over) carry_over(packet, half_open);
    result = store_once(packet, half_open, value, BPF_NOEXIST);
    if (result) return flags == BPF_ANY ? store_over(packet, half_open, value, result) : result;
    count_event(packet, half_open, INSERTED);
    return 0;
}

static __always_inline bool is_timed_out(const struct edgefw_connection* connection) {
    __u64 state = connection->state;

    // One register is compared and indexes: clang 19 compares a copy, of which the verifier learns nothing.
    asm volatile("" : "+r"(state));
    if (state >= EDGEFW_STATE_COUNT) return true;
    return (__u32)bpf_jiffies64() - connection->seen > config.timeout[state];
}

static __always_inline bool is_closed(const struct edgefw_connection* connection) {
    return connection->state == EDGEFW_STATE_TCP_CLOSED;
}

static __always_inline bool is_live(const struct packet* packet, const struct edgefw_connection* connection) {
    return !(packet->is_syn && connection->state == EDGEFW_STATE_TCP_CLOSED) && !is_timed_out(connection);
}

// The packet says by which public end it comes, if by any.
static __always_inline bool comes_by_public_end(const struct packet* packet, const __u32 hook) {
    return config.translates && hook == EDGEFW_RECEIVED && packet->family == EDGEFW_IPV4;
}

// A connection has one public end, or none: what is received by another way is not of it. What is sent goes out by it.
static __always_inline bool comes_as_its_own(const struct packet* packet, const struct edgefw_connection* connection,
                                             const __u32 hook) {
    return !comes_by_public_end(packet, hook) ||
           (connection->public_address == packet->public_address && connection->public_port == packet->public_port);
}

static __always_inline bool is_live_and_its_own(const struct packet* packet, const struct edgefw_connection* connection,
                                                const __u32 hook) {
    return connection && is_live(packet, connection) && comes_as_its_own(packet, connection, hook);
}

static __always_inline struct edgefw_connection* live_in(struct packet* packet, const __u32 hook,
                                                         const bool half_open) {
    struct edgefw_connection* connection = lookup(packet, half_open);

    packet->half_open = half_open;
    return is_live_and_its_own(packet, connection, hook) ? connection : NULL;
}

// The live connection of the packet, confirmed or half open, or NULL. Where the confirmed ones have just been asked,
// they are asked again when it is not half open: it may have been confirmed meanwhile, and has moved then.
static __always_inline struct edgefw_connection* live(struct packet* packet, const __u32 hook) {
    const bool begins_half_open = packet->is_unconfirmed;
    struct edgefw_connection* connection = NULL;

    packet->is_unconfirmed = false;
    if (!begins_half_open) connection = live_in(packet, hook, false);
    if (!connection) connection = live_in(packet, hook, true);
    if (!connection && begins_half_open) connection = live_in(packet, hook, false);
    return connection;
}

// As live() found it.
static __always_inline struct edgefw_connection* lookup_found(struct packet* packet) {
    return packet->half_open ? lookup(packet, true) : lookup(packet, false);
}
