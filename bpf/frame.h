// The bounds-checked reader: the only way dissect looks at bytes.
#pragma once

#include "bpf/packet.h"

#include <stddef.h>

// No header starts beyond this: eight extension headers of 2,048 bytes behind two tags end below it.
#define FRAME_READ_LIMIT 0x4fff

// Copies through the kernel's helper: for what is rarely there, or may lie in a fragment of the buffer. False when the
// frame ends before.
static __always_inline bool load(void* context, const __u32 hook, __u32 offset, void* to, __u32 size) {
    if (hook == EDGEFW_RECEIVED) return bpf_xdp_load_bytes(context, offset, to, size) == 0;
    return bpf_skb_load_bytes(context, offset, to, size) == 0;
}

// The `size` bytes at `offset`: where they lie, in the linear part as a rule, or copied to `copy`. NULL when the frame
// ends before.
static __always_inline const void* read(const struct frame* frame, const __u32 hook, __u32 offset, void* copy,
                                        const __u32 size) {
    const void* at;

    if (offset > FRAME_READ_LIMIT) return NULL;
    at = frame->data + offset;
    if (at + size <= frame->data_end) return at;
    return load(frame->context, hook, offset, copy, size) ? copy : NULL;
}

// Sets the length of the whole buffer. Of a received frame the linear part's is known until then, and it is all there
// is as a rule: asking takes a helper call, as long as the rest of this stage.
static __always_inline void measure(const struct frame* frame, const __u32 hook, struct packet* packet) {
    if (hook == EDGEFW_RECEIVED) packet->length = bpf_xdp_get_buff_len(frame->context);
}

// Whether the frame has `size` bytes.
static __always_inline bool has_bytes(const struct frame* frame, const __u32 hook, struct packet* packet, __u32 size) {
    if (size > packet->length) measure(frame, hook, packet);
    return size <= packet->length;
}
