// account: the only place that counts. One reason a packet; its rule and NAT entry where it has them.
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

static __always_inline void record(const struct packet* packet) {
    __u32 zero = 0;
    struct edgefw_decision* to = bpf_map_lookup_elem(&decision, &zero);

    if (!to) return;
    to->sequence++;
    to->slot = packet->slot;
    to->nat = packet->nat;
    to->verdict = packet->verdict;
    to->reason = packet->reason;
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
