// SPDX-License-Identifier: GPL-2.0-only
// Every map of the judging programs. Lifetimes and pins: maps/README.md.
#pragma once

#include "maps/classes.h"
#include "maps/connection.h"
#include "maps/counters.h"
#include "maps/decision.h"
#include "maps/dhcp.h"
#include "maps/forward.h"
#include "maps/fragment.h"
#include "maps/limits.h"
#include "maps/record.h"
#include "maps/shadow.h"
#include "maps/tree.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

// Keeps clang from merging a call on one map with the same call on another. With a map that is chosen at run time the
// verifier can neither inline a lookup nor call it directly (measured: 22 ns through a retpoline). Two barriers with
// different numbers are not merged themselves.
#define STAY_APART(number) asm volatile("" ::"i"(number) : "memory")

// Maps of a generation. The image gives their sizes before load; they are filled before the flip, and not written after
// it, but for the address classes of hosts by name.

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_node);
} nodes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_insn);
} insns SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_prefix4);
    __type(value, struct edgefw_class);
} class_hash4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_prefix6);
    __type(value, struct edgefw_class);
} class_hash6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct edgefw_prefix4);
    __type(value, struct edgefw_class);
} class_trie4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct edgefw_prefix6);
    __type(value, struct edgefw_class);
} class_trie6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_forward);
} forwards_in SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_forward);
} forwards_out SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_masquerade);
} masquerades SEC(".maps");

// Maps of a card. They outlive generations.

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_CONNECTIONS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} connections4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_CONNECTIONS_DEFAULT);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} connections6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_DATAGRAMS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} datagrams4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_DATAGRAMS_DEFAULT);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} datagrams6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_OPENINGS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} openings4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_OPENINGS_DEFAULT);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} openings6 SEC(".maps");

// The tables that were in use before, while a push moves connections to tables of another size
// (bpf/connection/carry_over.h).

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} older_connections4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} older_connections6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} older_datagrams4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} older_datagrams6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} older_openings4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_connection6_key);
    __type(value, struct edgefw_connection);
} older_openings6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_CONNECTIONS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_inside);
} publics4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_DATAGRAMS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_inside);
} public_datagrams4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_OPENINGS_DEFAULT);
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_inside);
} public_openings4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_FRAGMENTS);
    __type(key, struct edgefw_fragment4_key);
    __type(value, struct edgefw_fragment);
} fragments4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_FRAGMENTS);
    __type(key, struct edgefw_fragment6_key);
    __type(value, struct edgefw_fragment);
} fragments6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EDGEFW_DHCP_XIDS);
    __type(key, __be32);
    __type(value, struct edgefw_dhcp_xid);
} dhcp_xids SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_SLOTS_INITIAL);
    __type(key, __u32);
    __type(value, struct edgefw_counter);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_REASON_COUNTERS);
    __type(key, __u32);
    __type(value, struct edgefw_reason_counter);
} reasons SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_TABLE_COUNTERS);
    __type(key, __u32);
    __type(value, struct edgefw_table_counter);
} table_counters SEC(".maps");

// The recorder. A processor's part of the ring are config.records elements, one behind the other.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_record);
} drops SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_recorder);
} drop_recorders SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_RECORD_BUCKETS);
    __type(key, __u32);
    __type(value, struct edgefw_record_bucket);
} drop_buckets SEC(".maps");

// The shadow of a card (bpf/shadow.h).

// What its program is asked, by the judging program that calls it on this processor.
struct shadow_question {
    __u32 busy;  // it is not answered yet
    __u32 packets;
    struct said said;
    struct flow flow;  // of the packet, or of the opener of its connection
    __be16 ethertype;
    __u8 pad[6];
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct shadow_question);
} shadow_question SEC(".maps");

// By enum edgefw_verdict.
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
} shadow_received SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
} shadow_sent SEC(".maps");

// As large as EDGEFW_SHADOW_DIFFERENCES where there is a shadow.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 1);
    __type(key, struct edgefw_shadow_difference);
    __type(value, struct edgefw_shadow_count);
} shadow_differences SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_shadow_totals);
} shadow_totals SEC(".maps");

// Maps of each object of programs, with a value for each processor.

// When all ports of a masquerade were last tried, nanoseconds of CLOCK_MONOTONIC_COARSE.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} searched SEC(".maps");

// A map of `explain` alone.

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct edgefw_decision);
} decision SEC(".maps");

// Working memory for sums over a packet's payload (bpf/nat/write_xdp.h), too large for the stack.
struct checksum_scratch {
    __u32 words[128];
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct checksum_scratch);
} scratch SEC(".maps");
