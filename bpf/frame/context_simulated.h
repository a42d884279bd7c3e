// SPDX-License-Identifier: GPL-2.0-only
// The data path in user space (userspace/simulator): what a frame's context says there, and how its bytes are read. Its
// twins are bpf/frame/context_xdp.h and bpf/frame/context_skb.h. One unit judges at both hooks.
#pragma once

#include "bpf/packet.h"

#include <linux/pkt_cls.h>

#define CONTEXT struct simulated_frame
#define HOOK (simulated->hook)

enum { CODE_PASS = XDP_PASS };

static __always_inline int drop_code(__u32 hook, __u8 protocol) {
    (void)hook;
    (void)protocol;
    return XDP_DROP;
}

static __always_inline __u32 whole_length(CONTEXT* context) {
    return context->data_end - context->data;
}

// Copies out of the frame. False when the frame ends before.
static __always_inline bool load(CONTEXT* context, __u32 offset, void* to, __u32 size) {
    if ((__u64)offset + size > whole_length(context)) return false;
    __builtin_memcpy(to, (const void*)(context->data + offset), size);
    return true;
}

static __always_inline bool save(CONTEXT* context, __u32 offset, const void* from, __u32 size) {
    if ((__u64)offset + size > whole_length(context)) return false;
    __builtin_memcpy((void*)(context->data + offset), from, size);
    return true;
}

// All of a frame lies side by side here.
static __always_inline void describe_frame(CONTEXT* context, struct packet* packet) {
    packet->length = whole_length(context);
}

static __always_inline bool has_held_tag(const struct packet* packet) {
    (void)packet;
    return false;
}

static __always_inline __u32 card_index(CONTEXT* context) {
    (void)context;
    return 0;
}

// Nothing is handed on: what a test run has sent comes from the host.
static __always_inline bool comes_from_host(CONTEXT* context) {
    (void)context;
    return HOOK == EDGEFW_SENT;
}

static __always_inline __u32 frames_of(const struct packet* packet) {
    (void)packet;
    return 1;
}

static __always_inline __u64 wire_bytes(const struct packet* packet) {
    return packet->length;
}

static __always_inline bool has_link_header(void) {
    return true;
}

static __always_inline __be16 protocol_without_link(CONTEXT* context) {
    (void)context;
    return 0;
}
