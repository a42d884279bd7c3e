// SPDX-License-Identifier: GPL-2.0-only
// claim and release: where the packet in flight is kept.
//
//   takes    nothing
//   gives    the flight, or NULL: another packet has it
//   before   the entry program (bpf/entry.bpf.c) has called this judging program
//   after    dissect (bpf/frame/dissect.h); release comes last, after account
//
// The flight is one element of a per-CPU array; each object of programs has an array of its own. A map's key may lie in
// a map's value, and a global function can fetch the value itself. So nothing of the flight lies on the stack, and no
// key is handed on: Linux before 6.2 takes no key from memory behind a global function's argument, and the stack has
// 512 bytes, of which the deepest calls would need 480.
//
// One packet at a time has the flight: XDP runs in a softirq, tc runs with softirqs off, and neither calls anything
// that runs another judging program. Should a kernel ever let a packet preempt another one on its processor, the second
// one finds the word `busy` set, drops, and is counted with reason `busy`. So no packet is judged by what another one
// left. `explain`, tests and the live programs are loaded from different objects, so they never share a flight.
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
