// account: the only place that counts. One reason a packet; its rule and NAT entry where it has them; and what comes
// into and goes out of the tables of connections.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

static __always_inline void count_slot(__u32 slot, __u64 packets, __u64 bytes, bool opened) {
    struct edgefw_counter* counter = bpf_map_lookup_elem(&counters, &slot);

    if (!counter) return;
    counter->packets += packets;
    counter->bytes += bytes;
    if (opened) counter->connections++;
}

// Bytes on the wire: every segment of a GSO packet repeats the headers, and a tag held apart is part of the frame.
static __always_inline __u64 wire_bytes(const struct packet* packet, const __u32 hook) {
    __u64 bytes = packet->length;

    if (hook == EDGEFW_RECEIVED) return bytes;
    if (packet->segments > 1) bytes += (__u64)(packet->segments - 1) * packet->header_length;
    if (packet->has_held_tag) bytes += (__u64)packet->segments * 4;
    return bytes;
}

enum table_event {
    INSERTED,
    REPLACED,  // one of the same key was there
    NOT_STORED,
    REMOVED,
};

// Of a table of connections. Its own function, which the verifier checks once: events are rare, and their callers
// inline.
__noinline int count_event(struct packet* packet, int half_open, int event) {
    struct edgefw_table_counter* counter;
    __u32 index;

    if (!packet) return 0;
    index = EDGEFW_TABLE_INDEX(half_open ? 1 : 0, packet->family & 1);
    counter = bpf_map_lookup_elem(&table_counters, &index);
    if (!counter) return 0;
    counter->inserted += event == INSERTED || event == REPLACED;
    counter->removed += event == REMOVED || event == REPLACED;
    counter->refused += event == NOT_STORED;
    return 0;
}

static __always_inline void record(const struct packet* packet) {
    __u32 zero = 0;
    struct edgefw_decision* to = bpf_map_lookup_elem(&decision, &zero);

    if (!to) return;
    to->sequence++;
    to->slot = packet->slot;
    to->nat = packet->nat;
    to->verdict = packet->verdict;
    to->reason = packet->reason;
    to->local = packet->key4.local;
    to->local_port = packet->key4.local_port;
}

static __always_inline void account(const struct packet* packet, const __u32 hook, bool opened) {
    __u64 bytes = wire_bytes(packet, hook);
    __u32 index = (hook * 2 + (packet->verdict == EDGEFW_PASS)) * EDGEFW_REASON_COUNT + packet->reason;
    struct edgefw_reason_counter* reason = bpf_map_lookup_elem(&reasons, &index);

    if (reason) {
        reason->packets += packet->segments;
        reason->bytes += bytes;
    }
    if (packet->slot != EDGEFW_SLOT_NONE) count_slot(packet->slot, packet->segments, bytes, opened);
    if (config.translates && packet->nat) count_slot(packet->nat, packet->segments, bytes, opened);
    if (config.record) record(packet);
}
