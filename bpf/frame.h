// The bounds-checked reader: the only way dissect looks at bytes.
#pragma once

#include "bpf/bounds.h"
#include "bpf/flight.h"

#include <stddef.h>

// The bytes of the frame at the hook. Lives within one stage: helpers that write invalidate the pointers.
struct frame {
    void* data;
    void* data_end;
    CONTEXT* context;
};

// No header starts beyond this: eight extension headers of 2,048 bytes behind two tags end below it.
#define FRAME_READ_LIMIT 0x4fff
#define FRAME_READ_MASK 0x7fff

// The `size` bytes at `offset`: where they lie, in the linear part as a rule, or copied to `copy`. NULL when the frame
// ends before.
static __always_inline const void* read(const struct frame* frame, __u32 offset, void* copy, const __u32 size) {
    const void* at;

    if (offset > FRAME_READ_LIMIT) return NULL;
    at = frame->data + (__builtin_constant_p(offset) ? offset : within(offset, FRAME_READ_MASK));
    if (at + size <= frame->data_end) return at;
    return load(frame->context, offset, copy, size) ? copy : NULL;
}

// Sets the length of the whole buffer: of an XDP frame the linear part's is known until then.
static __always_inline void measure(const struct frame* frame, struct packet* packet) {
    packet->length = whole_length(frame->context);
}

// Whether the frame has `size` bytes.
static __always_inline bool has_bytes(const struct frame* frame, struct packet* packet, __u32 size) {
    if (size > packet->length) measure(frame, packet);
    return size <= packet->length;
}
