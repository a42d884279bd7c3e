// SPDX-License-Identifier: GPL-2.0-only
// Where the packet in flight is kept: one element of a per-CPU array for each object of programs. A key of a map may
// lie in a map's value, and a global function can fetch it itself, so nothing of it lies on the stack, and none of its
// keys is handed on (Linux before 6.2 takes no key from memory behind a global function's argument, and 512 bytes of
// stack hold little: without it the deepest calls need 480).
//
// One packet at a time has it: XDP runs in a softirq, tc with softirqs off, and neither calls anything that runs
// another judging program. Where that ever fails (a kernel that lets a packet preempt another one on its processor),
// the one that comes in between finds the word `busy` set, drops, and is counted with reason `busy`: no packet is
// judged by what another one left. Each loaded object has an array of its own, so that `explain`, tests and the live
// programs never share one.
#pragma once

#include "bpf/packet.h"

// The public end that an opener gets: where it is looked for (bpf/nat/masquerade.h).
struct port_search {
    struct edgefw_connection4_key key;  // as it is outside: the local port is what is tried
    struct edgefw_inside inside;
    __u32 first;
    __u32 places;  // ports to choose from: `step` apart, from `first` on
    __u32 step;
    __u32 at;
    bool scattered;  // the next place is any, not the next one
    bool found;
};

struct flight {
    __u32 busy;
    // Of the live connection that track or relate has found
    __u32 rule;  // counter slot of its rule
    struct flow flow;
    struct packet packet;
    struct translation translation;
    // A flow that the tables are asked for instead: what an error quotes, what a retired NAT entry made of this one
    struct flow other;
    // A flow that the rules are asked about: what may have opened a connection
    struct flow opener;
    // Working memory of classify, of track and adopt, of allocate: beyond what the stack holds
    struct fields fields;
    struct edgefw_connection fresh;
    struct port_search search;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct flight);
} in_flight SEC(".maps");

// The packet that this run has claimed. Never NULL then; the verifier wants it asked.
static __always_inline struct flight* fetch(void) {
    __u32 zero = 0;

    return bpf_map_lookup_elem(&in_flight, &zero);
}

// NULL: another packet has it.
static __always_inline struct flight* claim(void) {
    struct flight* flight = fetch();

    if (!flight || flight->busy) return NULL;
    flight->busy = 1;
    return flight;
}

static __always_inline void release(struct flight* flight) {
    flight->busy = 0;
}
