// dissect: frame -> packet. Ethernet and VLAN tags here; IP and transport headers in the files it calls.
// Every shape that is not a whole, well-formed packet has a reason of its own.
#pragma once

#include "bpf/dissect_ip.h"
#include "bpf/frame.h"

#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>

#define ETHERNET_HEADER 14
#define VLAN_TAG 4
#define VLAN_ID_MASK 0x0fff

struct tag {
    __be16 control;    // priority and id
    __be16 ethertype;  // of what follows
};

static __always_inline bool is_tag(__be16 ethertype) {
    return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// The outermost tag's id is the packet's VLAN; id 0 is a priority tag.
static __always_inline void note_tag(struct packet* packet, __u32 tags, __u16 control) {
    if (tags == 0) packet->vlan = control & VLAN_ID_MASK;
}

struct destination {
    __be32 high;
    __be16 low;
} __attribute__((packed, aligned(2)));

// IEEE 802.1Q table 8-1: what bridges never forward. Of frames that are not IP.
static __always_inline bool is_link_local_group(const struct frame* frame, const __u32 hook) {
    struct destination copy;
    const struct destination* to = read(frame, hook, 0, &copy, sizeof(copy));

    return to && to->high == bpf_htonl(0x0180c200) && (to->low & bpf_htons(0xfff0)) == 0;
}

// Returns the reason of a malformed shape, or EDGEFW_REASON_COUNT.
static __always_inline __u32 dissect(const struct frame* frame, const __u32 hook, struct packet* packet) {
    __u32 offset = ETHERNET_HEADER;
    __u32 tags = 0;
    __be16 copy, type;
    const __be16* first = read(frame, hook, ETHERNET_HEADER - 2, &copy, sizeof(copy));

    if (!first) return EDGEFW_REASON_MALFORMED_ETHERNET;
    type = *first;
    if (packet->has_held_tag) {
        note_tag(packet, tags, packet->held_tag);
        tags++;
    }
#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_TAGS; i++) {
        struct tag tag_copy;
        const struct tag* tag;

        if (!is_tag(type) || tags >= EDGEFW_MAX_TAGS) break;
        tag = read(frame, hook, offset, &tag_copy, sizeof(tag_copy));
        if (!tag) return EDGEFW_REASON_MALFORMED_ETHERNET;
        note_tag(packet, tags, bpf_ntohs(tag->control));
        type = tag->ethertype;
        offset += VLAN_TAG;
        tags++;
    }
    if (is_tag(type)) return EDGEFW_REASON_VLAN_DEPTH;

    packet->network = offset;
    packet->ethertype = type;
    if (type == bpf_htons(ETH_P_IP)) {
        packet->is_ip = true;
        return dissect_ipv4(frame, hook, packet);
    }
    if (type == bpf_htons(ETH_P_IPV6)) {
        packet->is_ip = true;
        packet->family = EDGEFW_IPV6;
        return dissect_ipv6(frame, hook, packet);
    }
    packet->is_link_local = is_link_local_group(frame, hook);
    return EDGEFW_REASON_COUNT;
}
