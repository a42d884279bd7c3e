// Fragments: the first one's verdict is remembered for the later ones (maps/fragment.h).
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

// The addresses on the wire at this hook. What is received for a forward has its public address there.
static __always_inline struct edgefw_fragment4_key fragment4_key(const struct packet* packet, __u32 hook) {
    __be32 local = hook == EDGEFW_RECEIVED && packet->public_address ? packet->public_address : packet->key4.local;

    return (struct edgefw_fragment4_key){
        .source = hook == EDGEFW_RECEIVED ? packet->key4.remote : local,
        .destination = hook == EDGEFW_RECEIVED ? local : packet->key4.remote,
        .id = packet->fragment_id,
        .protocol = packet->protocol,
        .hook = hook,
    };
}

static __always_inline struct edgefw_fragment6_key fragment6_key(const struct packet* packet, __u32 hook) {
    struct edgefw_fragment6_key key = {.id = packet->fragment_id, .hook = hook};

#pragma unroll
    for (int i = 0; i < 4; i++) {
        key.source[i] = hook == EDGEFW_RECEIVED ? packet->key6.remote[i] : packet->key6.local[i];
        key.destination[i] = hook == EDGEFW_RECEIVED ? packet->key6.local[i] : packet->key6.remote[i];
    }
    return key;
}

// After decide, of a first fragment. When the kernel cannot store it the later fragments drop: counted, and safe.
static __noinline void remember_fragment(const struct packet* packet, __u32 hook) {
    struct edgefw_fragment value = {
        .seen = bpf_jiffies64(),
        .rule = packet->slot,
        .verdict = packet->verdict,
        .nat = packet->nat,
    };

    if (packet->nat) value.address = hook == EDGEFW_RECEIVED ? packet->key4.local : packet->public_address;
    if (packet->family == EDGEFW_IPV4) {
        struct edgefw_fragment4_key key = fragment4_key(packet, hook);

        bpf_map_update_elem(&fragments4, &key, &value, BPF_ANY);
    } else {
        struct edgefw_fragment6_key key = fragment6_key(packet, hook);

        bpf_map_update_elem(&fragments6, &key, &value, BPF_ANY);
    }
}

// Of a later fragment: sets the verdict, slot, reason and translation.
static __noinline void follow_fragment(struct packet* packet, __u32 hook) {
    struct edgefw_fragment* first;

    if (packet->family == EDGEFW_IPV4) {
        struct edgefw_fragment4_key key = fragment4_key(packet, hook);

        first = bpf_map_lookup_elem(&fragments4, &key);
    } else {
        struct edgefw_fragment6_key key = fragment6_key(packet, hook);

        first = bpf_map_lookup_elem(&fragments6, &key);
    }
    if (!first || (__u32)bpf_jiffies64() - first->seen > config.fragment_timeout) {
        packet->verdict = EDGEFW_DROP;
        packet->reason = EDGEFW_REASON_FRAGMENT_WITHOUT_FIRST;
        return;
    }
    packet->verdict = first->verdict;
    packet->reason = EDGEFW_REASON_FRAGMENT;
    packet->slot = first->rule;
    packet->nat = first->nat;
    if (packet->nat && hook == EDGEFW_RECEIVED) {
        packet->public_address = packet->key4.local;
        packet->key4.local = first->address;
    } else if (packet->nat) {
        packet->public_address = first->address;
    }
}
