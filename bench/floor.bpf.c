// SPDX-License-Identifier: GPL-2.0-only
// What everything is compared with: programs that do nothing, and the floor, the least any stateful filter must do:
// parse the headers, look one connection up, count one packet. No VLAN, no IPv6, no rules, no checks of shape.
#include "maps/connection.h"
#include "maps/counters.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define COUNTERS 2  // missed, found

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 131072);  // as EDGEFW_CONNECTIONS_DEFAULT
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, COUNTERS);
    __type(key, __u32);
    __type(value, struct edgefw_reason_counter);
} floor_counters SEC(".maps");

struct headers {
    struct ethhdr ethernet;
    struct iphdr ip;
    __be16 source_port;
    __be16 destination_port;
} __attribute__((packed));

SEC("xdp.frags")
int noop_received(struct xdp_md* context __attribute__((unused))) {
    return XDP_PASS;
}

// Drops: what a veth can lose at most.
SEC("xdp.frags")
int noop_drop(struct xdp_md* context __attribute__((unused))) {
    return XDP_DROP;
}

SEC("tcx/egress")
int noop_sent(struct __sk_buff* context __attribute__((unused))) {
    return TC_ACT_UNSPEC;
}

static __always_inline __u32 is_known(const void* data, const void* end, __u64 length) {
    const struct headers* headers = data;
    struct edgefw_connection4_key key = {};
    struct edgefw_reason_counter* counter;
    __u32 found;

    if ((const void*)(headers + 1) > end || headers->ethernet.h_proto != bpf_htons(ETH_P_IP)) return 0;
    if (headers->ip.version != 4 || headers->ip.ihl != 5) return 0;
    key.local = headers->ip.daddr;
    key.remote = headers->ip.saddr;
    key.local_port = headers->destination_port;
    key.remote_port = headers->source_port;
    key.protocol = headers->ip.protocol;
    found = bpf_map_lookup_elem(&connections, &key) != NULL;
    counter = bpf_map_lookup_elem(&floor_counters, &found);
    if (counter) {
        counter->packets++;
        counter->bytes += length;
    }
    return found;
}

SEC("xdp.frags")
int floor_received(struct xdp_md* context) {
    return is_known((void*)(long)context->data, (void*)(long)context->data_end, bpf_xdp_get_buff_len(context))
               ? XDP_PASS
               : XDP_DROP;
}

SEC("tcx/egress")
int floor_sent(struct __sk_buff* context) {
    return is_known((void*)(long)context->data, (void*)(long)context->data_end, context->len) ? TC_ACT_UNSPEC
                                                                                              : TC_ACT_SHOT;
}
