// SPDX-License-Identifier: GPL-2.0-only
// The tables of connections: half open, confirmed TCP and all else confirmed, IPv4 and IPv6 (maps/connection.h).
// Looking up, storing, forgetting. track, relate, open and adopt ask it.
//
// Two processors may meet at one connection. Its two directions mostly come in on different processors, and a bond or a
// sender that reorders brings one direction to two. There is no lock. This is what they may see of each other:
//
// - An element. The kernel enters and removes one under the lock of its bucket. Of two that enter the same key with
//   BPF_NOEXIST one is told that it did, and of two that remove it one is. What must happen once hangs on that answer:
//   counting, confirming (track.h), opening (open.h), carrying over (carry_over.h).
//
// - A pointer. It can be read and written to the end of the program, but the element behind it may change hands: one
//   that is removed, or that LRU recycles, goes to the next key at once. No verdict depends on that not happening. The
//   lookup has shown that the connection was there, because what identifies it is in the key. What is read through the
//   pointer says which rule counts, whether the connection has timed out, whether a reset is believed and, sent, what
//   the public end is. Where more hangs on it (confirming, closing, judging again), the key is looked up once more, and
//   only the same element will do. What is written through the pointer can at worst give another connection wrong
//   numbers, or the state of this one: a reset of that one is refused then, or another timeout ends it.
//
// - A member. Each is written by one store, so none is seen half written; the last store counts. `seen` is now for
//   both. `bytes` may lose an addition: it is shown, and decides nothing. Numbers only move on, and what one segment
//   does not move the next one does. `state`: see advance() in track.h.
#pragma once

#include "bpf/account.h"
#include "bpf/connection/carry_over.h"
#include "bpf/connection/state.h"
#include "bpf/maps.h"

#include <linux/in.h>

// Calls CALL on the flow's table.
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

// Stores a connection in the place of another one of its key. This is rare.
// Results are compared as int: before Linux 6.4 the operations of maps return one, and the upper half of the register
// is 0 where it is negative.
OUT_OF_LINE long store_over(const struct flow* flow, const bool half_open, const struct edgefw_connection* value,
                            long refusal) {
    long result = half_open ? store_once(flow, true, value, BPF_ANY) : store_once(flow, false, value, BPF_ANY);

    count_event(table_of(flow, half_open), flow->family,
                result                    ? NOT_STORED
                : (int)refusal == -EEXIST ? REPLACED
                                          : INSERTED);
    return result;
}

// Stores a connection. `flags`: BPF_NOEXIST, or BPF_ANY to take the place of another one of its key. The counters tell
// a new entry from a replaced one: so what was inserted, less what was removed and what is there, is what LRU recycled.
static __always_inline long store(const struct flow* flow, const bool half_open, const struct edgefw_connection* value,
                                  const __u64 flags) {
    long result;

    if (config.comes_over) carry_over(flow, half_open);
    result = store_once(flow, half_open, value, BPF_NOEXIST);
    if (result) return flags == BPF_ANY ? store_over(flow, half_open, value, result) : result;
    count_event(table_of(flow, half_open), flow->family, INSERTED);
    return 0;
}

// Stores a half-open connection: one that waits for an answer, or one that has closed and waits for its last segments.
// Where all other entries have been looked up, the kernel's LRU gives the place of one that has not to the next entry,
// however new it is. So a new entry is looked up at once.
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

// Whether a packet may pass by a connection with its ends. A packet never proves an opening from the other end. So no
// SYN passes by a connection that began in mid-stream. By an unproven one pass segments in mid-stream, and resets,
// which end it.
static __always_inline bool passes_by(const struct flow* flow, const struct edgefw_connection* connection) {
    const __u32 flags = flow->detail;

    if (flow->protocol != IPPROTO_TCP || !began_in_midstream(connection)) return true;
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) return false;
    return !is_unproven(connection) || is_midstream_segment(flags) || (flags & TCP_RST);
}

// Whether the packet says by which public end it comes: received, IPv4.
static __always_inline bool comes_by_public_end(const struct flow* flow) {
    return config.translates && HOOK == EDGEFW_RECEIVED && flow->family == EDGEFW_IPV4;
}

static __always_inline bool is_of_its_vlan(const struct flow* flow, const struct edgefw_connection* connection) {
    return !config.tells_vlans || connection->vlan == flow->vlan;
}

// Whether the packet comes by the connection's public end and VLAN. A connection has one public end, or none: a packet
// that is received by another one does not belong to it. A packet that is sent goes out by the connection's.
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

// A live connection, and whether it lies in the table of the half-open ones. NULL: there is none.
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

// The live connection of the flow, confirmed or half open. `is_unconfirmed`: the caller has just asked the confirmed
// ones, and they had none.
//
// Another processor may confirm the connection, which moves it from the half-open ones to the confirmed ones, between
// the two looks. It enters it there before it takes it out here, so it is never in neither. The common path, with
// `is_unconfirmed`, asks the confirmed ones again last, and so finds it. Without, such a connection is missed. That can
// cost an ICMP error or a first fragment, which drop; an opener enters the connection a second time, half open, where
// nobody finds it behind the confirmed one.
static __always_inline struct found live(const struct flow* flow, const struct translation* by, bool is_unconfirmed) {
    struct found found = {NULL, false};

    if (!is_unconfirmed) found = live_in(flow, by, false);
    if (!found.connection) found = live_in(flow, by, true);
    if (!found.connection && is_unconfirmed) found = live_in(flow, by, false);
    return found;
}

// Looks for the flow's connection where live() found it.
static __always_inline struct edgefw_connection* lookup_found(const struct flow* flow, bool half_open) {
    return half_open ? lookup(flow, true) : lookup(flow, false);
}
