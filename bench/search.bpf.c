// SPDX-License-Identifier: GPL-2.0-only
// The search of the rules by itself: the code of bpf/flow/classify.h on one packet after the other out of a list. The
// program beside it does all but the search.
#include "bpf/frame/context_xdp.h"

#define HOOK EDGEFW_RECEIVED

#include "bench/search_packet.h"
#include "bpf/flow/classify.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, SEARCH_PACKETS);
    __type(key, __u32);
    __type(value, struct search_packet);
} packets SEC(".maps");

__u32 sequence;
__u32 mask;  // SEARCH_PACKETS - 1: all of them in turn; 0: the first one each time

static __always_inline struct search_packet* next_packet(struct flight* flight) {
    __u32 number = sequence++ & mask;
    struct search_packet* packet = bpf_map_lookup_elem(&packets, &number);

    if (!packet) return NULL;
    flight->flow.family = EDGEFW_IPV4;
    flight->flow.key4.local = packet->local;
    flight->flow.key4.remote = packet->remote;
    flight->flow.key4.local_port = packet->local_port;
    flight->flow.key4.remote_port = packet->remote_port;
    flight->flow.protocol = packet->protocol;
    flight->flow.has_ports = true;
    flight->flow.opens = true;
    return packet;
}

SEC("xdp.frags")
int search_packets(struct xdp_md* context) {
    struct flight* flight = fetch();
    struct search_packet* packet;

    (void)context;
    if (!flight) return XDP_ABORTED;
    packet = next_packet(flight);
    if (!packet) return XDP_ABORTED;
    packet->outcome = search_forest(flight, &flight->flow, EDGEFW_RECEIVED, false);
    return XDP_DROP;
}

SEC("xdp.frags")
int search_nothing(struct xdp_md* context) {
    struct flight* flight = fetch();
    struct search_packet* packet;

    (void)context;
    if (!flight) return XDP_ABORTED;
    packet = next_packet(flight);
    if (!packet) return XDP_ABORTED;
    packet->outcome = 0;
    return XDP_DROP;
}
