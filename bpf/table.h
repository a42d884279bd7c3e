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

#include <linux/in.h>

// Keeps clang from merging a call on one map with the same call on another: with a map chosen at run time the verifier
// can neither inline the lookup nor call it directly (measured: 22 ns through a retpoline).
// A barrier behind one of the two is enough to tell them apart.
#define STAY_APART() asm volatile("" ::: "memory")

static __always_inline struct edgefw_connection* lookup_once(const struct flow* flow, const bool half_open) {
    struct edgefw_connection* found;

    if (flow->family == EDGEFW_IPV4) {
        found =
            half_open ? bpf_map_lookup_elem(&openings4, &flow->key4) : bpf_map_lookup_elem(&connections4, &flow->key4);
        STAY_APART();
    } else {
        found =
            half_open ? bpf_map_lookup_elem(&openings6, &flow->key6) : bpf_map_lookup_elem(&connections6, &flow->key6);
    }
    return found;
}

static __always_inline struct edgefw_connection* lookup(const struct flow* flow, const bool half_open) {
    struct edgefw_connection* found = lookup_once(flow, half_open);

    if (config.comes_over && !found && carry_over(flow, half_open)) found = lookup_once(flow, half_open);
    return found;
}

static __always_inline void forget(const struct flow* flow, const bool half_open) {
    const bool in_older = config.comes_over && remove_older(flow, half_open);
    long result;

    if (flow->family == EDGEFW_IPV4) {
        result =
            half_open ? bpf_map_delete_elem(&openings4, &flow->key4) : bpf_map_delete_elem(&connections4, &flow->key4);
        STAY_APART();
    } else {
        result =
            half_open ? bpf_map_delete_elem(&openings6, &flow->key6) : bpf_map_delete_elem(&connections6, &flow->key6);
    }
    if (result == 0 || in_older) count_event(flow->family, half_open, REMOVED);
}

static __always_inline long store_once(const struct flow* flow, const bool half_open,
                                       const struct edgefw_connection* value, __u64 flags) {
    long result;

    if (flow->family == EDGEFW_IPV4) {
        result = half_open ? bpf_map_update_elem(&openings4, &flow->key4, value, flags)
                           : bpf_map_update_elem(&connections4, &flow->key4, value, flags);
        STAY_APART();
    } else {
        result = half_open ? bpf_map_update_elem(&openings6, &flow->key6, value, flags)
                           : bpf_map_update_elem(&connections6, &flow->key6, value, flags);
    }
    return result;
}

// Takes the place of another one of the key: rare.
// The int: before Linux 6.4 the operations of maps return one, and the register's upper half says 0 where it is
// negative.
static __noinline long store_over(const struct flow* flow, const bool half_open, const struct edgefw_connection* value,
                                  long refusal) {
    long result = half_open ? store_once(flow, true, value, BPF_ANY) : store_once(flow, false, value, BPF_ANY);

    count_event(flow->family, half_open, result ? NOT_STORED : (int)refusal == -EEXIST ? REPLACED : INSERTED);
    return result;
}

// `flags`: BPF_NOEXIST, or BPF_ANY to take the place of another one of the key. Tells a new entry from a replaced one:
// what was inserted, less what was removed and is there, is what LRU recycled.
static __always_inline long store(const struct flow* flow, const bool half_open, const struct edgefw_connection* value,
                                  const __u64 flags) {
    long result;

    if (config.comes_over) carry_over(flow, half_open);
    result = store_once(flow, half_open, value, BPF_NOEXIST);
    if (result) return flags == BPF_ANY ? store_over(flow, half_open, value, result) : result;
    count_event(flow->family, half_open, INSERTED);
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

static __always_inline bool is_live(const struct flow* flow, const struct edgefw_connection* connection) {
    return !(flow->is_syn && connection->state == EDGEFW_STATE_TCP_CLOSED) && !is_timed_out(connection);
}

// The packet says by which public end it comes, if by any.
static __always_inline bool comes_by_public_end(const struct flow* flow) {
    return config.translates && HOOK == EDGEFW_RECEIVED && flow->family == EDGEFW_IPV4;
}

// A connection has one public end, or none: what is received by another way is not of it. What is sent goes out by it.
static __always_inline bool comes_as_its_own(const struct flow* flow, const struct translation* by,
                                             const struct edgefw_connection* connection) {
    return !comes_by_public_end(flow) ||
           (connection->public_address == by->public_address && connection->public_port == by->public_port);
}

static __always_inline bool is_live_and_its_own(const struct flow* flow, const struct translation* by,
                                                const struct edgefw_connection* connection) {
    return connection && is_live(flow, connection) && comes_as_its_own(flow, by, connection);
}

// A live connection, and in which of the tables it is. NULL: there is none.
struct found {
    struct edgefw_connection* connection;
    bool half_open;
};

static __always_inline struct found live_in(const struct flow* flow, const struct translation* by,
                                            const bool half_open) {
    struct edgefw_connection* connection = lookup(flow, half_open);
    const bool is_it = is_live_and_its_own(flow, by, connection);

    return (struct found){is_it ? connection : NULL, half_open};
}

// The live connection of the flow, confirmed or half open. `is_unconfirmed`: the confirmed ones have just been asked
// and had none. They are then asked again when it is not half open: it may have been confirmed meanwhile, and has
// moved.
static __always_inline struct found live(const struct flow* flow, const struct translation* by, bool is_unconfirmed) {
    struct found found = {NULL, false};

    if (!is_unconfirmed) found = live_in(flow, by, false);
    if (!found.connection) found = live_in(flow, by, true);
    if (!found.connection && is_unconfirmed) found = live_in(flow, by, false);
    return found;
}

// As live() found it.
static __always_inline struct edgefw_connection* lookup_found(const struct flow* flow, bool half_open) {
    return half_open ? lookup(flow, true) : lookup(flow, false);
}
