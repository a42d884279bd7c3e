// SPDX-License-Identifier: GPL-2.0-only
// Martians: packets that an external card receives from a source that nobody outside can have (docs/semantics.md,
// "Martians"). classify (bpf/flow/classify.h) and adopt (bpf/connection/adopt.h) ask before the rules.
#pragma once

#include "bpf/flight.h"

#include "maps/limits.h"

#include <bpf/bpf_endian.h>

#define MARTIAN_SLOT (EDGEFW_SLOT_FIRST_BUILTIN + EDGEFW_BUILTIN_MARTIAN)

// Whether RFC 6890 forbids the source, the networks of documentation apart; or it is multicast (RFC 1112, RFC 4291
// section 2.7). A host that has no address yet may ask its own link.
static __always_inline bool is_forbidden4(__u32 source, __be32 destination) {
    const __u32 first = source >> 24;

    if (first == 0) return source != 0 || destination != 0xffffffffu;
    return first == 127 || first >= 224 || source - 0xc0000010u < 0xf0u;  // 192.0.0.16 to .255
}

static __always_inline bool is_forbidden6(const __be32* source, const __be32* destination) {
    const __u32 first = bpf_ntohl(source[0]);

    if (first >= 0xff000000u) return true;
    if ((source[0] | source[1]) != 0) return (first & 0xfffffff0u) == 0x20010010u;  // ORCHID
    if (source[2] == bpf_htonl(0x0000ffff)) return true;                            // an IPv4 address
    if (source[2] != 0 || bpf_ntohl(source[3]) > 1) return false;
    return source[3] != 0 || (destination[0] & bpf_htonl(0xffff0000u)) != bpf_htonl(0xff020000u);
}

// Whether the source is one of the host's own addresses, or in a network of its internal cards, as the push found them.
static __always_inline bool is_inside4(__be32 source) {
    for (__u32 i = 0; i < EDGEFW_MARTIANS; i++) {
        if (i >= config.martians[EDGEFW_IPV4]) return false;
        if ((source & config.martian4[i].mask) == config.martian4[i].address) return true;
    }
    return false;
}

static __always_inline bool is_inside6(const __be32* source) {
    for (__u32 i = 0; i < EDGEFW_MARTIANS; i++) {
        const volatile struct edgefw_martian6* network = &config.martian6[i];
        __u32 difference = 0;

        if (i >= config.martians[EDGEFW_IPV6]) return false;
#pragma unroll
        for (int word = 0; word < 4; word++)
            difference |= (source[word] & network->mask[word]) ^ network->address[word];
        if (difference == 0) return true;
    }
    return false;
}

static __always_inline bool looks_for_martians(__u32 hook) {
    return config.side == EDGEFW_EXTERNAL && hook == EDGEFW_RECEIVED && (config.builtins >> EDGEFW_BUILTIN_MARTIAN & 1);
}

// Whether a flow seen at `hook` has a martian source. One that is also the destination ("LAND") is martian.
static __always_inline bool is_martian(const struct flow* flow, __u32 hook) {
    if (!looks_for_martians(hook)) return false;
    if (flow->family == EDGEFW_IPV4) {
        const __be32 source = flow->key4.remote;

        return source == flow->key4.local || is_forbidden4(bpf_ntohl(source), flow->key4.local) || is_inside4(source);
    }
    if (flow->key_word[0] == flow->key_word[2] && flow->key_word[1] == flow->key_word[3]) return true;
    return is_forbidden6(flow->key6.remote, flow->key6.local) || is_inside6(flow->key6.remote);
}

// Whether the packet is a martian. Its destination on the wire may have been another one than its flow has now.
// Inlined, this would cost the walk through the trees registers.
OUT_OF_LINE bool is_martian_apart(const struct flight* flight) {
    const struct translation* by = &flight->translation;

    if (config.translates && by->nat && by->public_address == flight->flow.key4.remote) return true;
    return is_martian(&flight->flow, EDGEFW_RECEIVED);
}

static __always_inline bool is_martian_packet(const struct flight* flight) {
    return looks_for_martians(HOOK) && is_martian_apart(flight);
}
