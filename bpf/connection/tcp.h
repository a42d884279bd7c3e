// SPDX-License-Identifier: GPL-2.0-only
// What a TCP segment's numbers say about its connection (RFC 9293 section 3.4, RFC 5961, RFC 7323). Two numbers are
// compared by their distance, modulo 2^32. bpf/connection/state.h asks.
//
// The numbers decide over states, not over segments. A segment that does not fit changes nothing and goes on to the
// host, which checks more closely than a filter can. A reset is the exception, because old hosts believe one anywhere
// in their window.
#pragma once

#include "bpf/frame/dissect_transport.h"

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_WINDOW_SCALE 3
#define TCP_OPTIONS_MAX 40

// A SYN may carry data (RFC 7413), and an answer may acknowledge a part of it. This is as much as a first flight has.
#define HANDSHAKE_DATA 16384

// How much an end may be sent before it has said how much it takes.
#define FIRST_WINDOW 65535

// In mid-stream windows may have been scaled by anything, up to WIDEST_WINDOW. MIDSTREAM_WINDOW is how much is believed
// of the ends' numbers, which follow what is sent by its acknowledgments. A reset passes within WIDEST_WINDOW.
#define MIDSTREAM_WINDOW (1u << 20)
#define WIDEST_WINDOW (65535u << 14)

static __always_inline __u32 sequence(const struct packet* packet) {
    return bpf_ntohl(packet->sequence_be);
}

// The sequence number behind the segment's last byte. SYN and FIN count as one byte each.
static __always_inline __u32 sequence_end(const struct packet* packet) {
    __u32 header = packet->header_length - packet->transport;

    return sequence(packet) + packet->transport_length - header + !!(packet->flags & TCP_SYN) +
           !!(packet->flags & TCP_FIN);
}

static __always_inline __u32 acknowledgment(const struct packet* packet) {
    return bpf_ntohl(packet->acknowledgment_be);
}

static __always_inline bool is_after(__u32 number, __u32 other) {
    return (__s32)(number - other) > 0;
}

// Whether the segment acknowledges what an end has sent in the handshake, up to `next`.
static __always_inline bool acknowledges(const struct packet* packet, __u32 next) {
    return (packet->flags & TCP_ACK) && next - acknowledgment(packet) <= HANDSHAKE_DATA;
}

// Whether both numbers of the segment fit (RFC 5961 section 5). It lies within a window of what `to` has acknowledged,
// and it acknowledges what `to` has sent, within a window. One number alone is guessed in some ten thousand tries.
static __always_inline bool fits(const struct packet* packet, const struct edgefw_end* from,
                                 const struct edgefw_end* to) {
    const __u32 acknowledged = acknowledgment(packet);

    return (packet->flags & TCP_ACK) &&
           (__s32)(sequence_end(packet) - to->acknowledged) <= (__s32)to->window + 1 &&  // a probe of a closed window
           (__s32)(to->acknowledged - sequence(packet)) <= (__s32)to->window &&
           (__s32)(acknowledged - to->next) <= (__s32)from->window &&
           (__s32)(from->acknowledged - acknowledged) <= (__s32)from->window;
}

// Whether a reset ends the connection. One number alone does (RFC 5961 section 3.2): where its sender has got to; or
// what the other end has acknowledged, which is in the answer to a segment of no connection, and in that to a
// challenge.
static __always_inline bool reset_closes(const struct packet* packet, const struct edgefw_end* from,
                                         const struct edgefw_end* to) {
    return sequence(packet) == from->next || sequence(packet) == to->acknowledged;
}

// Whether a reset lies in what `to` takes. The host of `to` challenges it, or closes, and the next segments tell which.
static __always_inline bool reset_is_in_window(const struct packet* packet, const struct edgefw_end* to, __u32 window) {
    return sequence(packet) - to->acknowledged <= window + 1;
}

static __always_inline __u32 offered_window(const struct packet* packet, const struct edgefw_end* from) {
    if (packet->flags & TCP_SYN) return bpf_ntohs(packet->window_be);
    return (__u32)bpf_ntohs(packet->window_be) << (from->scale & 15);
}

// Moves the ends' numbers on where a segment of a confirmed connection fits. An acknowledgment tells of the other end,
// too: of what that has sent and was not seen to fit. Returns whether the segment fits.
static __always_inline bool note_numbers(const struct packet* packet, struct edgefw_end* from, struct edgefw_end* to) {
    // These are read once. For all the compiler knows, a store to one end changes the packet, or the other end.
    const __u32 window = offered_window(packet, from);
    const __u32 end = sequence_end(packet);
    const __u32 acknowledged = acknowledgment(packet);

    if ((packet->flags & TCP_RST) || !fits(packet, from, to)) return false;
    if (is_after(end, from->next)) from->next = end;
    if (is_after(acknowledged, to->next)) to->next = acknowledged;
    if (is_after(acknowledged, from->acknowledged)) from->acknowledged = acknowledged;
    if (window > from->window) from->window = window;
    return true;
}

#define TCP_OPTIONS_ROOM 64  // a power of two: bpf/frame/bounds.h
struct tcp_options {
    __u8 bytes[TCP_OPTIONS_ROOM];
    __u32 at;
    __u8 scale;
};

// Reads one option. Returns 1, which ends the loop, at the last one.
static long read_option(__u64 unused, struct tcp_options* options) {
    __u32 at = options->at;
    __u8 kind;

    (void)unused;
    if (at > TCP_OPTIONS_MAX - 3) return 1;
    kind = options->bytes[at];
    if (kind == TCP_OPTION_NOP) {
        options->at = at + 1;
        return 0;
    }
    if (kind == TCP_OPTION_END || options->bytes[at + 1] < 2) return 1;
    options->at = at + options->bytes[at + 1];
    if (kind != TCP_OPTION_WINDOW_SCALE) return 0;
    options->scale = options->bytes[at + 2];
    if (options->scale > EDGEFW_SCALE_MAX) options->scale = EDGEFW_SCALE_MAX;  // RFC 7323 section 2.3
    return 1;
}

// The window scale in a SYN's options, or EDGEFW_SCALE_NONE. bpf_loop() runs the loop: the verifier would walk a loop
// of ours once for every way to place options.
GLOBAL int find_scale(CONTEXT* context, const struct packet* packet) {
    struct tcp_options options = {.scale = EDGEFW_SCALE_NONE};
    __u32 start, length;

    if (!packet) return EDGEFW_SCALE_NONE;
    start = packet->transport + TCP_HEADER;
    length = packet->header_length - start;
    if (length < 3 || length > TCP_OPTIONS_MAX ||
        !load(context, start, options.bytes, size_within(length, TCP_OPTIONS_ROOM)))
        return EDGEFW_SCALE_NONE;
    bpf_loop(TCP_OPTIONS_MAX, read_option, &options, 0);
    return options.scale;
}
