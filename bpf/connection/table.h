// SPDX-License-Identifier: GPL-2.0-only
// The tables of connections: half open, confirmed TCP and all else confirmed, IPv4 and IPv6 (maps/connection.h).
// Looking up, storing, forgetting.
//
// An LRU element can be recycled for another key while a pointer to it is held. No verdict depends on that not
// happening: what identifies a connection is in the key; what is read through the pointer says which rule counts,
// whether a reset is believed and, sent, what the public end is; where more hangs on it (revocation, confirmation) the
// key is looked up again. What is written through it can at worst leave another connection with wrong numbers: a reset
// of it is refused.
#pragma once

#include "bpf/account.h"
#include "bpf/connection/carry_over.h"
#include "bpf/connection/state.h"
#include "bpf/maps.h"

#include <linux/in.h>

// A call on the flow's table.
#define IN_TABLE(result, flow, half_open, CALL)               \
    do {                                                      \
        if ((flow)->family == EDGEFW_IPV4) {                  \
            if (half_open) {                                  \
                (result) = CALL(openings4, &(flow)->key4);    \
                STAY_APART(1);                                \
            } else if ((flow)->protocol == IPPROTO_TCP) {     \
                (result) = CALL(connections4, &(flow)->key4); \
                STAY_APART(2);                                \
            } else {                                          \
                (result) = CALL(datagrams4, &(flow)->key4);   \
                STAY_APART(3);                                \
            }                                                 \
        } else if (half_open) {                               \
            (result) = CALL(openings6, &(flow)->key6);        \
            STAY_APART(4);                                    \
        } else if ((flow)->protocol == IPPROTO_TCP) {         \
            (result) = CALL(connections6, &(flow)->key6);     \
            STAY_APART(5);                                    \
        } else {                                              \
            (result) = CALL(datagrams6, &(flow)->key6);       \
        }                                                     \
    } while (0)

static __always_inline __u32 table_of(const struct flow* flow, const bool half_open) {
    if (half_open) return EDGEFW_TABLE_OPENINGS;
    return flow->protocol == IPPROTO_TCP ? EDGEFW_TABLE_CONNECTIONS : EDGEFW_TABLE_DATAGRAMS;
}

static __always_inline struct edgefw_connection* lookup_once(const struct flow* flow, const bool half_open) {
    struct edgefw_connection* found;

#define LOOK_UP(table, key) bpf_map_lookup_elem(&table, key)
    IN_TABLE(found, flow, half_open, LOOK_UP);
#undef LOOK_UP
    return found;
}

static __always_inline struct edgefw_connection* lookup(const struct flow* flow, const bool half_open) {
    struct edgefw_connection* found = lookup_once(flow, half_open);

    if (config.comes_over && !found && carry_over(flow, half_open) != NOT_THERE) found = lookup_once(flow, half_open);
    return found;
}

static __always_inline void forget(const struct flow* flow, const bool half_open) {
    const bool in_older = config.comes_over && remove_older(flow, half_open);
    long result;

#define DELETE(table, key) bpf_map_delete_elem(&table, key)
    IN_TABLE(result, flow, half_open, DELETE);
#undef DELETE
    if (result == 0 || in_older) count_event(table_of(flow, half_open), flow->family, REMOVED);
}

static __always_inline long store_once(const struct flow* flow, const bool half_open,
                                       const struct edgefw_connection* value, __u64 flags) {
    long result;

#define UPDATE(table, key) bpf_map_update_elem(&table, key, value, flags)
    IN_TABLE(result, flow, half_open, UPDATE);
#undef UPDATE
    return result;
}

// Takes the place of another one of the key: rare.
// The int: before Linux 6.4 the operations of maps return one, and the register's upper half says 0 where it is
// negative.
OUT_OF_LINE long store_over(const struct flow* flow, const bool half_open, const struct edgefw_connection* value,
                            long refusal) {
    long result = half_open ? store_once(flow, true, value, BPF_ANY) : store_once(flow, false, value, BPF_ANY);

    count_event(table_of(flow, half_open), flow->family,
                result                    ? NOT_STORED
                : (int)refusal == -EEXIST ? REPLACED
                                          : INSERTED);
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
    count_event(table_of(flow, half_open), flow->family, INSERTED);
    return 0;
}

// Likewise, half open: what waits for an answer, or for the last segments of one that closed. The kernel's LRU gives
// the place of an entry that nothing has looked up yet to the next one, however new it is, where all others have been:
// so it is looked up at once.
static __always_inline long store_opening(const struct flow* flow, const struct edgefw_connection* value,
                                          const __u64 flags) {
    const long result = store(flow, true, value, flags);

    if (result == 0) lookup_once(flow, true);
    return result;
}

static __always_inline bool is_timed_out(const struct edgefw_connection* connection) {
    __u64 state = connection->state;

    // One register is compared and indexes: clang 19 compares a copy, of which the verifier learns nothing.
    asm volatile("" : "+r"(state));
    if (state >= EDGEFW_STATE_COUNT) return true;
    return jiffies_since(connection->seen) > config.timeout[state];
}

static __always_inline bool is_closed(const struct edgefw_connection* connection) {
    return connection->state == EDGEFW_STATE_TCP_CLOSED;
}

static __always_inline bool is_unproven(const struct edgefw_connection* connection) {
    return connection->state == EDGEFW_STATE_TCP_UNPROVEN;
}

static __always_inline bool is_live(const struct flow* flow, const struct edgefw_connection* connection) {
    return !(flow->is_syn && (is_closed(connection) || is_unproven(connection))) && !is_timed_out(connection);
}

// A packet never proves an opening from the other end: a SYN passes by no connection that began in mid-stream, and by
// one that is unproven pass segments in mid-stream, and resets, which end it.
static __always_inline bool passes_by(const struct flow* flow, const struct edgefw_connection* connection) {
    const __u32 flags = flow->detail;

    if (flow->protocol != IPPROTO_TCP || !began_in_midstream(connection)) return true;
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) return false;
    return !is_unproven(connection) || is_midstream_segment(flags) || (flags & TCP_RST);
}

// The packet says by which public end it comes, if by any.
static __always_inline bool comes_by_public_end(const struct flow* flow) {
    return config.translates && HOOK == EDGEFW_RECEIVED && flow->family == EDGEFW_IPV4;
}

static __always_inline bool is_of_its_vlan(const struct flow* flow, const struct edgefw_connection* connection) {
    return !config.tells_vlans || connection->vlan == flow->vlan;
}

// A connection has one public end, or none: what is received by another way is not of it. What is sent goes out by it.
// And it is of one VLAN.
static __always_inline bool comes_as_its_own(const struct flow* flow, const struct translation* by,
                                             const struct edgefw_connection* connection) {
    if (!is_of_its_vlan(flow, connection)) return false;
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
    const bool is_it = is_live_and_its_own(flow, by, connection) && passes_by(flow, connection);

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
