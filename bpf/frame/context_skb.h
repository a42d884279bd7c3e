// SPDX-License-Identifier: GPL-2.0-only
// The program type of tc and tcx: what its context says, and which helpers it has. Its twin is
// bpf/frame/context_xdp.h.
#pragma once

#include "bpf/packet.h"

#include <linux/pkt_cls.h>

#define CONTEXT struct __sk_buff

// TC_ACT_UNSPEC is TCX_NEXT: what passes goes on to the programs behind this one.
enum { CODE_PASS = TC_ACT_UNSPEC };

// The answer for what drops, by its protocol (0: not known). It must be what the program returns next.
//
// Whoever sends is told of a drop at egress as of a full queue (NET_XMIT_DROP). For most senders that is the only word
// of it. TCP takes it for congestion on its own host: it does not back off, tries again each half second, and gives the
// connection up after 15 tries (net/ipv4/tcp_output.c, tcp_send_probe0(); tcp_retries2). So a policy that is taken back
// after 8 seconds would find sessions of this host gone. A packet that is redirected to card 0, which is none, is lost
// without a word, as on a wire (net/core/filter.c, skb_do_redirect()). The code alone is not enough: the kernel keeps
// the card of an earlier redirection.
static __always_inline int drop_code(__u32 hook, __u8 protocol) {
    return hook == EDGEFW_SENT && protocol == IPPROTO_TCP ? bpf_redirect(0, 0) : TC_ACT_SHOT;
}

// Copies out of the frame through the kernel's helper. False when the frame ends before.
static __always_inline bool load(CONTEXT* context, __u32 offset, void* to, __u32 size) {
    return bpf_skb_load_bytes(context, offset, to, size) == 0;
}

// A sum that the card made over the frame stays right.
static __always_inline bool save(CONTEXT* context, __u32 offset, const void* from, __u32 size) {
    return bpf_skb_store_bytes(context, offset, from, size, BPF_F_RECOMPUTE_CSUM) == 0;
}

static __always_inline __u32 whole_length(CONTEXT* context) {
    return context->len;
}

static __always_inline void describe_frame(CONTEXT* context, struct packet* packet) {
    packet->length = context->len;
    packet->segments = context->gso_segs > 1 ? context->gso_segs : 1;
    // The kernel has not counted the segments of a packet that comes from a virtual machine or a tun.
    if (context->gso_segs == 0) packet->segment_size = context->gso_size;
    packet->held_tag = context->vlan_tci;
    packet->has_held_tag = context->vlan_present;
}

// Whether the kernel holds the outermost tag apart.
static __always_inline bool has_held_tag(const struct packet* packet) {
    return packet->has_held_tag;
}

static __always_inline __u32 card_index(CONTEXT* context) {
    return context->ifindex;
}

// Whether this host sends the packet, and does not hand on one that has come in: by routing, or from a bridge's other
// port.
static __always_inline bool comes_from_host(CONTEXT* context) {
    return context->ingress_ifindex == 0;
}

// Frames on the wire: more than one where the kernel merged them, or will part them.
static __always_inline __u32 frames_of(const struct packet* packet) {
    const __u32 size = packet->segment_size;

    if (size == 0 || packet->length <= packet->header_length) return packet->segments;
    return (packet->length - packet->header_length + size - 1) / size;
}

// Bytes on the wire. Every segment of a GSO packet repeats the headers, but for the jumbo header. A tag that is held
// apart is part of the frame.
static __always_inline __u64 wire_bytes(const struct packet* packet) {
    const __u64 frames = frames_of(packet);

    return packet->length + (frames - 1) * packet->header_length + (packet->has_held_tag ? frames * VLAN_TAG : 0) -
           (packet->has_jumbo_header ? frames * JUMBO_HEADER : 0);
}

// Whether the frame begins with an Ethernet header. Else it begins with the header that protocol_without_link() names.
static __always_inline bool has_link_header(void) {
    return config.link_layer == EDGEFW_ETHERNET;
}

static __always_inline __be16 protocol_without_link(CONTEXT* context) {
    return context->protocol;
}
