// SPDX-License-Identifier: GPL-2.0-only
// The program type XDP: what its context says, and which helpers it has. Its twin is bpf/frame/context_skb.h.
#pragma once

#include "bpf/packet.h"

#define CONTEXT struct xdp_md

enum { CODE_PASS = XDP_PASS };

// The answer for what drops. Nobody is told of it.
static __always_inline int drop_code(__u32 hook, __u8 protocol) {
    (void)hook;
    (void)protocol;
    return XDP_DROP;
}

// Copies out of the frame through the kernel's helper. False when the frame ends before.
static __always_inline bool load(CONTEXT* context, __u32 offset, void* to, __u32 size) {
    return bpf_xdp_load_bytes(context, offset, to, size) == 0;
}

static __always_inline bool save(CONTEXT* context, __u32 offset, const void* from, __u32 size) {
    return bpf_xdp_store_bytes(context, offset, (void*)from, size) == 0;
}

// The length of the whole buffer. The helper call takes as long as the rest of dissect, so it is made only where the
// linear part is not all there is.
static __always_inline __u32 whole_length(CONTEXT* context) {
    return bpf_xdp_get_buff_len(context);
}

static __always_inline void describe_frame(CONTEXT* context, struct packet* packet) {
    packet->length = context->data_end - context->data;
    // A frame that starts in fragments of its buffer alone, or of which nothing will be read.
    if (!config.armed) packet->length = whole_length(context);
}

// Whether the kernel holds a tag apart. Before XDP it never does.
static __always_inline bool has_held_tag(const struct packet* packet) {
    (void)packet;
    return false;
}

static __always_inline __u32 card_index(CONTEXT* context) {
    return context->ingress_ifindex;
}

// Whether this host sends the packet, and does not hand on one that has come in. XDP sees only packets that come in.
static __always_inline bool comes_from_host(CONTEXT* context) {
    (void)context;
    return false;
}

// Frames on the wire: more than one where the kernel merged them, or will part them.
static __always_inline __u32 frames_of(const struct packet* packet) {
    (void)packet;
    return 1;
}

// Bytes on the wire.
static __always_inline __u64 wire_bytes(const struct packet* packet) {
    return packet->length;
}

// Cards without an Ethernet header have no XDP hook.
static __always_inline bool has_link_header(void) {
    return true;
}

static __always_inline __be16 protocol_without_link(CONTEXT* context) {
    (void)context;
    return 0;
}
