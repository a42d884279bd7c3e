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

// The search for an opener's public end (bpf/nat/masquerade.h).
struct port_search {
    struct edgefw_connection4_key key;  // the connection as it is outside; its local port is the one that is tried
    struct edgefw_inside inside;
    __u32 first;
    __u32 places;  // how many ports there are to choose from: `step` apart, from `first` on
    __u32 step;
    __u32 at;        // the place that is tried next
    bool scattered;  // the places are tried at random, not one after the other
    bool found;
};

union connection_key {
    struct edgefw_connection4_key key4;
    struct edgefw_connection6_key key6;
};

struct flight {
    __u32 busy;
    __u32 rule;  // counter slot of the rule of the connection that track, relate or adopt has found
    struct flow flow;
    struct packet packet;
    struct translation translation;
    struct said said;  // while there is a shadow
    // A flow that the tables are asked for instead: the one that an error quotes, or this one as a retired NAT entry
    // translated it
    struct flow other;
    // A flow that the rules are asked about instead: the opener of a connection
    struct flow opener;
    union connection_key older_key;  // as the tables before these have it (bpf/connection/carry_over.h)
    // Working memory, too large for the stack: of classify, of track and adopt, of allocate()
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

// The flight that this run has claimed. It is never NULL then, but the verifier wants it asked.
static __always_inline struct flight* fetch(void) {
    __u32 zero = 0;

    return bpf_map_lookup_elem(&in_flight, &zero);
}

// Claims the flight for this run. NULL: another packet has it.
static __always_inline struct flight* claim(void) {
    struct flight* flight = fetch();

    if (!flight || flight->busy) return NULL;
    flight->busy = 1;
    return flight;
}

// Notes what the rules in force said of the packet, or of flight->opener, for a shadow to be asked, too. The last one
// counts.
static __always_inline void note_said(struct flight* flight, enum said_of of, __u32 hook, __u32 outcome) {
    if (!config.shadow) return;
    flight->said.of = of;
    flight->said.hook = hook;
    flight->said.outcome = outcome;
}

static __always_inline void release(struct flight* flight) {
    flight->busy = 0;
}
