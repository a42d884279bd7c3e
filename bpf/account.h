// SPDX-License-Identifier: GPL-2.0-only
// account: the only place that counts.
//
//   takes    the flight and its decision
//   gives    nothing; it adds to the counters
//   before   decide (bpf/decide.h), and translate (bpf/nat/write.h) for a packet that passes
//   after    release (bpf/flight.h)
//
// A packet counts for one reason, for its rule and for its NAT entry, where it has them. The tables of connections
// count what comes in and goes out here, too. Every counter is per CPU, so that no two processors add to the same one.
#pragma once

#include "bpf/flight.h"
#include "bpf/maps.h"

// Of the counter of a reason.
static __always_inline __u32 reason_index(__u8 verdict, __u8 reason) {
    return (HOOK * 2 + (verdict == EDGEFW_PASS)) * EDGEFW_REASON_COUNT + reason;
}

static __always_inline void count_reason(__u8 verdict, __u8 reason, __u64 packets, __u64 bytes) {
    const __u32 index = reason_index(verdict, reason);
    struct edgefw_reason_counter* counter = bpf_map_lookup_elem(&reasons, &index);

    if (!counter) return;
    counter->packets += packets;
    counter->bytes += bytes;
}

static __always_inline void count_slot(__u32 slot, __u64 packets, __u64 bytes, bool opened) {
    struct edgefw_counter* counter = bpf_map_lookup_elem(&counters, &slot);

    if (!counter) return;
    counter->packets += packets;
    counter->bytes += bytes;
    if (opened) counter->connections++;
}

enum table_event {
    INSERTED,
    REPLACED,  // a connection of the same key was there
    NOT_STORED,
    REMOVED,
};

// Counts an event of a table of connections.
GLOBAL int count_event(__u32 table, __u32 family, int event) {
    const __u32 index = EDGEFW_TABLE_INDEX(table, family & 1);
    struct edgefw_table_counter* counter = bpf_map_lookup_elem(&table_counters, &index);

    if (!counter) return 0;
    counter->inserted += event == INSERTED || event == REPLACED;
    counter->removed += event == REMOVED || event == REPLACED;
    counter->refused += event == NOT_STORED;
    return 0;
}

static __always_inline void record(const struct flight* flight, const struct decision* ending) {
    const struct flow* inside = ending->reason == EDGEFW_REASON_ICMP_ERROR ? &flight->other : &flight->flow;
    __u32 zero = 0;
    struct edgefw_decision* to = bpf_map_lookup_elem(&decision, &zero);

    if (!to) return;
    to->sequence++;
    to->slot = ending->slot;
    to->nat = flight->translation.nat;
    to->verdict = ending->verdict;
    to->reason = ending->reason;
    to->local = inside->key4.local;
    to->local_port = inside->key4.local_port;
}

static __always_inline void account(const struct flight* flight, const struct decision* ending) {
    const __u64 packets = frames_of(&flight->packet);
    const __u64 bytes = wire_bytes(&flight->packet);
    const __u16 nat = flight->translation.nat;

    count_reason(ending->verdict, ending->reason, packets, bytes);
    if (ending->slot != EDGEFW_SLOT_NONE) count_slot(ending->slot, packets, bytes, ending->opened);
    if (config.translates && nat) count_slot(nat, packets, bytes, ending->opened);
    if (config.record) record(flight, ending);
}
