// SPDX-License-Identifier: GPL-2.0-only
// The bounds-checked reader. dissect looks at bytes through it alone.
#pragma once

#include "bpf/flight.h"
#include "bpf/frame/bounds.h"

#include <stddef.h>

// No header starts beyond this: eight extension headers of 2,048 bytes behind two tags end below it.
#define FRAME_READ_LIMIT 0x4fff
#define FRAME_READ_MASK 0x7fff

// The `size` bytes at `offset`: where they lie, in the linear part as a rule, or copied to `copy`. NULL when the frame
// ends before. The pointer is valid until a helper writes. The frame's ends are read from the context each time. Kept
// over the stages they would lie on the stack, and the verifier would walk all that follows once for every way they
// came there.
static __always_inline const void* read(CONTEXT* context, __u32 offset, void* copy, const __u32 size) {
    const void* at;

    if (offset > FRAME_READ_LIMIT) return NULL;
    ONE_VALUE(context);
    at = (void*)(long)context->data + (__builtin_constant_p(offset) ? offset : within(offset, FRAME_READ_MASK));
    if (at + size <= (void*)(long)context->data_end) {
        if (!at) __builtin_unreachable();  // so that callers' own check of the pointer costs nothing
        return at;
    }
    return load(context, offset, copy, size) ? copy : NULL;
}

// Sets packet->length to that of the whole buffer. Until then it is that of an XDP frame's linear part.
static __always_inline void measure(CONTEXT* context, struct packet* packet) {
    packet->length = whole_length(context);
}

// Whether the frame has `size` bytes.
static __always_inline bool has_bytes(CONTEXT* context, struct packet* packet, __u32 size) {
    if (size > packet->length) measure(context, packet);
    return size <= packet->length;
}
