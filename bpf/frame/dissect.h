// SPDX-License-Identifier: GPL-2.0-only
// dissect: frame -> packet and flow.
//
//   takes    the context, and a flight that is all zeros
//   gives    the reason of a malformed shape, or WELL_FORMED; flight->flow and flight->packet
//   before   claim (bpf/flight.h)
//   after    translate (bpf/nat/find.h) for a received packet, then track (bpf/connection/track.h)
//
// Ethernet and VLAN tags are read here, IP and transport headers in the files that this one calls. Every shape that is
// not a whole, well-formed packet has a reason of its own.
#pragma once

#include "bpf/frame/dissect_ip.h"
#include "bpf/frame/read.h"

#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>

#define ETHERNET_HEADER 14
#define VLAN_ID_MASK 0x0fff

struct tag {
    __be16 control;    // priority and id
    __be16 ethertype;  // of what follows
};

static __always_inline bool is_tag(__be16 ethertype) {
    return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// The id of the outermost tag is the packet's VLAN. Id 0 is a priority tag, which hosts take off before they go on.
static __always_inline void note_tag(struct flow* flow, __u16 control) {
    if (flow->vlan == 0) flow->vlan = control & VLAN_ID_MASK;
}

struct destination {
    __be32 high;
    __be16 low;
} __attribute__((packed, aligned(2)));

// Whether the frame goes to a group that bridges never forward (IEEE 802.1Q table 8-1). Asked of frames that are not
// IP.
static __always_inline bool is_link_local_group(CONTEXT* context) {
    struct destination copy;
    const struct destination* to = read(context, 0, &copy, sizeof(copy));

    return to && to->high == bpf_htonl(0x0180c200) && (to->low & bpf_htons(0xfff0)) == 0;
}

// Reads the tags from `*network` on, and the one held apart. Sets `*ethertype` and `*network` to what follows them.
static __always_inline enum edgefw_reason dissect_tags(CONTEXT* context, struct flight* flight, __be16* ethertype,
                                                       __u32* network) {
    struct packet* packet = &flight->packet;
    __be16 type = *ethertype;
    __u32 offset = *network;
    __u32 tags = 0;

    if (has_held_tag(packet)) {
        note_tag(&flight->flow, packet->held_tag);
        tags++;
    }
#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_TAGS; i++) {
        struct tag copy;
        const struct tag* tag;

        if (!is_tag(type) || tags >= EDGEFW_MAX_TAGS) break;
        tag = read(context, offset, &copy, sizeof(copy));
        if (!tag) return EDGEFW_REASON_MALFORMED_ETHERNET;
        note_tag(&flight->flow, bpf_ntohs(tag->control));
        type = tag->ethertype;
        offset += VLAN_TAG;
        tags++;
    }
    if (is_tag(type)) return EDGEFW_REASON_VLAN_DEPTH;
    *network = offset;
    *ethertype = type;
    return WELL_FORMED;
}

// Dissects the frame. The reason of a malformed shape, or WELL_FORMED.
static __always_inline enum edgefw_reason dissect(CONTEXT* context, struct flight* flight) {
    struct packet* packet = &flight->packet;
    __u32 network = 0;
    __be16 type;

    if (has_link_header()) {
        __be16 copy;
        const __be16* first = read(context, ETHERNET_HEADER - sizeof(copy), &copy, sizeof(copy));
        enum edgefw_reason malformed;

        if (!first) return EDGEFW_REASON_MALFORMED_ETHERNET;
        type = *first;
        network = ETHERNET_HEADER;
        malformed = dissect_tags(context, flight, &type, &network);
        if (malformed != WELL_FORMED) return malformed;
    } else {
        type = protocol_without_link(context);
    }
    packet->network = network;
    packet->ethertype = type;
    if (type == bpf_htons(ETH_P_IP)) {
        packet->is_ip = true;
        return dissect_ipv4(context, flight, network);
    }
    if (type == bpf_htons(ETH_P_IPV6)) {
        packet->is_ip = true;
        flight->flow.family = EDGEFW_IPV6;
        return dissect_ipv6(context, flight, network);
    }
    packet->is_link_local = has_link_header() && is_link_local_group(context);
    return WELL_FORMED;
}
