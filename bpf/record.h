// SPDX-License-Identifier: GPL-2.0-only
// record: a packet that drops, or that a rule with `log: true` lets open a connection, is written into the card's ring
// (maps/record.h).
//
//   takes    the flight and its decision, and the frame as it came
//   gives    nothing
//   before   decide (bpf/decide.h)
//   after    translate (bpf/nat/write.h) for a packet that passes, release (bpf/flight.h) for one that drops
//
// A packet that passes and is not logged never comes here. What a flood costs is one load and one comparison: the
// bucket of its reason is empty. Nothing waits for a reader, and none has to be there.
#pragma once

#include "bpf/account.h"

// Records of a shadow have buckets of their own: they are no drops. IS_SHADOW is the unit's (bpf/judge.h,
// bpf/shadow_judge.h).
#define FIRST_BUCKET (IS_SHADOW ? EDGEFW_REASON_COUNTERS : 0)

#define FLOW_MULTIPLIER 0x9e3779b97f4a7c15ull  // 2^64 divided by the golden ratio: it spreads every bit upwards

static __always_inline __u64 mixed(__u64 hash, __u64 word) {
    hash = (hash ^ word) * FLOW_MULTIPLIER;
    return hash ^ hash >> 32;
}

// What packets of one flow, reason and hook have alike; never 0. Nobody outside knows the seed: two flows that are
// taken for one cannot be made on purpose.
static __always_inline __u32 hash_of(const struct flow* flow, __u32 seed, __u32 index) {
    __u64 hash = (__u64)seed << 32 | index;

    hash = mixed(hash, flow->key_word[0]);
    hash = mixed(hash, flow->key_word[1]);
    if (flow->family == EDGEFW_IPV6) {
        hash = mixed(hash, flow->key_word[2]);
        hash = mixed(hash, flow->key_word[3]);
        hash = mixed(hash, flow->key_word[4]);
    }
    hash = mixed(hash, (__u64)flow->vlan << 16 | (flow->has_ports ? 0 : flow->detail));
    return (__u32)hash ? (__u32)hash : 1;
}

// Moves a bucket on by one record, from now on where it is not ahead.
static __always_inline void spend(__u64* due, __u64 now, __u64 interval) {
    *due = ((__s64)(*due - now) > 0 ? *due : now) + interval;
}

static __always_inline bool has_token(__u64 due, __u64 now, __u64 ahead) {
    return (__s64)(due - now) <= (__s64)ahead;
}

// The place of the next record in the ring. The small part at the end takes the first records of each reason, and one a
// minute from then on: so what is rare stays, whatever floods.
static __always_inline __u32 next_place(struct edgefw_recorder* recorder, struct edgefw_record_bucket* bucket,
                                        __u64 now) {
    const __u32 common = config.records - config.rare_records;
    const __u32 first = bpf_get_smp_processor_id() * config.records;
    __u32 place;

    if (config.rare_records &&
        has_token(bucket->rare_due, now, (__u64)config.rare_interval * (EDGEFW_RECORD_RARE_BURST - 1))) {
        spend(&bucket->rare_due, now, config.rare_interval);
        place = recorder->rare_next < config.rare_records ? recorder->rare_next : 0;
        recorder->rare_next = place + 1;
        return first + common + place;
    }
    spend(&bucket->due, now, config.record_interval);
    place = recorder->next < common ? recorder->next : 0;
    recorder->next = place + 1;
    return first + place;
}

// Copies the frame's first bytes. Returns how many.
static __always_inline __u8 capture(CONTEXT* context, const struct packet* packet, __u8* frame) {
    __u32 size = packet->length;

    if (size == 0) return 0;
    if (size > EDGEFW_RECORD_FRAME) size = EDGEFW_RECORD_FRAME;
    size = size_within(size, 128);
    if (size > EDGEFW_RECORD_FRAME) return 0;
    return load(context, 0, frame, size) ? size : 0;
}

// Writes one record. The two exchanges are what a reader goes by on every kind of processor: an odd number before the
// first store, an even one after the last.
//
// `of` is what the record has of the flow; the frame, its shape and its translation come from the flight.
static __always_inline void write_record(CONTEXT* context, const struct flight* flight, struct edgefw_record* record,
                                         const struct edgefw_record_flow* of, __u32 index, __u32 slot) {
    const struct packet* packet = &flight->packet;
    const __u32 sequence = record->sequence | 1;

    __sync_lock_test_and_set(&record->sequence, sequence);
    record->count = frames_of(packet);
    record->time = of->time;
    record->generation = config.generation;
    record->slot = slot;
    record->flow = of->flow;
    record->length = wire_bytes(packet);
    record->nat = flight->translation.nat;
    record->tag = packet->held_tag;
    record->reason = index % EDGEFW_REASON_COUNT;
    record->flags = (HOOK == EDGEFW_SENT ? EDGEFW_RECORD_SENT : 0) |
                    (index / EDGEFW_REASON_COUNT % 2 ? EDGEFW_RECORD_PASSED : 0) |
                    (has_held_tag(packet) ? EDGEFW_RECORD_TAG : 0) | (has_link_header() ? 0 : EDGEFW_RECORD_NO_LINK) |
                    (IS_SHADOW ? EDGEFW_RECORD_SHADOW : 0);
    record->captured = capture(context, packet, record->frame);
    __sync_lock_test_and_set(&record->sequence, sequence + 1);
}

// Whether there is a record of the flow's last second, which counts the packet then.
static __always_inline bool is_counted(const struct edgefw_record_flow* known, const struct flight* flight,
                                       const struct edgefw_record_flow* of) {
    struct edgefw_record* record;

    if (known->flow != of->flow || of->time - known->time >= config.record_window) return false;
    record = bpf_map_lookup_elem(&drops, &known->index);
    if (!record || record->flow != of->flow || record->time != known->time) return false;
    record->count += frames_of(&flight->packet);
    return true;
}

static __always_inline bool record_with(CONTEXT* context, const struct flight* flight, struct edgefw_recorder* recorder,
                                        struct edgefw_record_bucket* bucket, __u32 index, __u32 slot, bool has_flow) {
    struct edgefw_record_flow of = {.time = bpf_jiffies64()};
    struct edgefw_record_flow* known = NULL;
    struct edgefw_record* record;

    if (!recorder->seed) recorder->seed = bpf_get_prandom_u32() | 1;
    if (has_flow) {
        of.flow = hash_of(&flight->flow, recorder->seed, FIRST_BUCKET + index);
        known = &recorder->flow[of.flow % EDGEFW_RECORD_FLOWS];
        if (is_counted(known, flight, &of)) return true;
    }
    of.index = next_place(recorder, bucket, of.time);
    record = bpf_map_lookup_elem(&drops, &of.index);
    if (!record) return false;
    if (known) *known = of;
    write_record(context, flight, record, &of, index, slot);
    return true;
}

// Records the packet in flight. `index` is that of its reason's counter.
GLOBAL int record_in_flight(CONTEXT* context, __u32 index, __u32 slot, __u32 has_flow) {
    const struct flight* flight = fetch();
    const __u32 number = FIRST_BUCKET + index;
    struct edgefw_record_bucket* bucket = bpf_map_lookup_elem(&drop_buckets, &number);
    __u32 zero = 0;
    struct edgefw_recorder* recorder = bpf_map_lookup_elem(&drop_recorders, &zero);

    if (!flight || !bucket || !recorder || recorder->busy) return 0;
    recorder->busy = 1;
    if (record_with(context, flight, recorder, bucket, index, slot, has_flow))
        bucket->recorded += frames_of(&flight->packet);
    recorder->busy = 0;
    return 0;
}

// Records what `ending` decides, where the card records such packets and the bucket of its reason is not empty.
// `has_flow`: dissect has found all of the packet's flow.
static __always_inline void record_packet(CONTEXT* context, const struct decision* ending, bool has_flow) {
    const __u32 index = reason_index(ending->verdict, ending->reason);
    const __u32 number = FIRST_BUCKET + index;
    const struct edgefw_record_bucket* bucket;

    if (!config.records || !(ending->logged || config.records_drops)) return;
    bucket = bpf_map_lookup_elem(&drop_buckets, &number);
    if (!bucket || !has_token(bucket->due, bpf_jiffies64(), (__u64)config.record_interval * (EDGEFW_RECORD_BURST - 1)))
        return;
    record_in_flight(context, index, ending->slot, has_flow);
}
