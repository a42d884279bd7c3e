// SPDX-License-Identifier: GPL-2.0-only
// dissect, the network layer: IPv4 with options (RFC 791), IPv6 with extension headers (RFC 8200), fragments of both.
// bpf/frame/dissect.h calls it; bpf/frame/dissect_transport.h comes after.
#pragma once

#include "bpf/frame/dissect_transport.h"
#include "bpf/frame/read.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#define IPV4_HEADER 20
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK 0x1fff
#define IPV4_OPTION_END 0
#define IPV4_OPTION_NOP 1
#define IPV4_OPTION_LOOSE_ROUTE 131
#define IPV4_OPTION_STRICT_ROUTE 137
#define IPV6_HEADER 40
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_OFFSET_MASK 0xfff8
#define EXTENSION_HOP_BY_HOP 0
#define EXTENSION_ROUTING 43
#define EXTENSION_FRAGMENT 44
#define EXTENSION_AUTHENTICATION 51
#define EXTENSION_DESTINATION 60
#define EXTENSION_MOBILITY 135
#define EXTENSION_HIP 139
#define EXTENSION_SHIM6 140
#define ROUTING_SOURCE 0   // RFC 5095 forbids it
#define ROUTING_SEGMENT 4  // RFC 8754
#define OPTION_JUMBO 0xc2  // RFC 2675
#define DATAGRAM_MAX 65535

// Notes what offset, length and the more-fragments flag say. `offset` is in bytes; `malformed` is the reason where the
// length is wrong.
static __always_inline enum edgefw_reason set_fragment(struct packet* packet, __u8 protocol, __u32 offset, bool more,
                                                       enum edgefw_reason malformed) {
    if (more && packet->transport_length % 8 != 0) return malformed;
    if (offset + packet->transport_length > DATAGRAM_MAX) return EDGEFW_REASON_FRAGMENT_OVERLONG;
    if (offset == 8 && protocol == IPPROTO_TCP) return EDGEFW_REASON_FRAGMENT_OFFSET_ONE;
    if (offset != 0)
        packet->fragment = FRAGMENT_LATER;
    else if (more)
        packet->fragment = FRAGMENT_FIRST;
    return WELL_FORMED;
}

// Whether the packet is "BIG TCP": a GSO packet that is longer than its length field can say. The field is 0 until the
// packet is segmented. No packet that comes off a wire is one.
static __always_inline bool is_big(const struct packet* packet, __u32 bytes) {
    return bytes > DATAGRAM_MAX && frames_of(packet) > 1;
}

// Options have 40 bytes at most. The rest of the room lets the verifier see that a bounded length fits.
#define OPTIONS_ROOM 64
struct options {
    __u8 byte[OPTIONS_ROOM];
};

// Walks the options: they must be well formed and hold no source route.
GLOBAL enum edgefw_reason walk_ipv4_options(const struct options* options, __u32 length) {
    __u32 inside = 0;  // bytes of the current option still to pass over

    if (!options) return EDGEFW_REASON_MALFORMED_IPV4;
    // Each step passes over one byte, whatever the option's size: so the verifier sees the same few states at every
    // step.
    for (__u32 i = 0; i < EDGEFW_MAX_IPV4_OPTIONS; i++) {
        __u8 type = options->byte[i];

        if (i >= length) break;
        if (inside > 0) {
            inside--;
            continue;
        }
        if (type == IPV4_OPTION_END) break;
        if (type == IPV4_OPTION_NOP) continue;
        if (type == IPV4_OPTION_LOOSE_ROUTE || type == IPV4_OPTION_STRICT_ROUTE) return EDGEFW_REASON_IPV4_SOURCE_ROUTE;
        if (i + 1 >= length || i + 1 >= EDGEFW_MAX_IPV4_OPTIONS) return EDGEFW_REASON_MALFORMED_IPV4;
        inside = options->byte[i + 1];
        if (inside < 2 || inside > length - i) return EDGEFW_REASON_MALFORMED_IPV4;
        inside--;
    }
    return WELL_FORMED;
}

GLOBAL enum edgefw_reason check_ipv4_options(CONTEXT* context, __u32 offset, __u32 length) {
    struct options options = {};

    if (length == 0 || length > EDGEFW_MAX_IPV4_OPTIONS) return EDGEFW_REASON_MALFORMED_IPV4;
    if (!load(context, offset, &options, size_within(length, OPTIONS_ROOM))) return EDGEFW_REASON_MALFORMED_IPV4;
    return walk_ipv4_options(&options, length);
}

static __always_inline enum edgefw_reason dissect_ipv4(CONTEXT* context, struct flight* flight, __u32 network) {
    struct packet* packet = &flight->packet;
    struct iphdr copy;
    const struct iphdr* header = read(context, network, &copy, sizeof(copy));
    enum edgefw_reason reason;
    __u32 header_length, total, offset;
    struct transport transport;

    if (!header) return EDGEFW_REASON_MALFORMED_IPV4;
    header_length = header->ihl * 4;
    total = bpf_ntohs(header->tot_len);
    if (total == 0 && is_big(packet, packet->length - network)) total = packet->length - network;
    if (header->version != 4 || header_length < IPV4_HEADER || total < header_length ||
        !has_bytes(context, packet, network + total))
        return EDGEFW_REASON_MALFORMED_IPV4;
    set_addresses4(&flight->flow, HOOK, header->saddr, header->daddr);
    transport = (struct transport){header->protocol, network + header_length, total - header_length};
    set_transport(flight, &transport);
    packet->hop_limit = header->ttl;
    packet->fragment_id = header->id;
    offset = bpf_ntohs(header->frag_off);
    if (header_length > IPV4_HEADER) {
        reason = check_ipv4_options(context, network + IPV4_HEADER, header_length - IPV4_HEADER);
        if (reason != WELL_FORMED) return reason;
    }
    if (offset & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) {
        reason = set_fragment(packet, transport.protocol, (offset & IPV4_OFFSET_MASK) * 8, offset & IPV4_MORE_FRAGMENTS,
                              EDGEFW_REASON_MALFORMED_IPV4);
        if (reason != WELL_FORMED || packet->fragment == FRAGMENT_LATER) return reason;
    }
    return dissect_transport(context, flight, &transport);
}

// Linux before 7.0 puts this header in front of IPv6 "BIG TCP", and takes it off when it segments: an option of RFC
// 2675 alone.
struct jumbo_header {
    __u8 next;
    __u8 length;
    __u8 option;
    __u8 option_length;
    __be32 payload;
};

// Passes over the jumbo header at packet->transport.
GLOBAL enum edgefw_reason take_jumbo_header(CONTEXT* context) {
    struct flight* flight = fetch();
    struct packet* packet;
    struct jumbo_header header;

    if (!flight) return EDGEFW_REASON_MALFORMED_IPV6;
    packet = &flight->packet;
    if (!load(context, packet->transport, &header, sizeof(header)) || header.next != IPPROTO_TCP ||
        header.length != 0 || header.option != OPTION_JUMBO || header.option_length != sizeof(header.payload) ||
        bpf_ntohl(header.payload) != packet->transport_length)
        return EDGEFW_REASON_MALFORMED_IPV6;
    packet->transport += sizeof(header);
    packet->transport_length -= sizeof(header);
    packet->has_jumbo_header = true;
    flight->flow.protocol = header.next;
    return WELL_FORMED;
}

struct extension {
    __u8 next;
    __u8 length;
    __u8 type;       // routing: its type
    __u8 remaining;  // routing: segments left
    __be32 id;       // fragment: identification
};

static __always_inline bool is_extension(__u8 next) {
    switch (next) {
        case EXTENSION_HOP_BY_HOP:
        case EXTENSION_ROUTING:
        case EXTENSION_FRAGMENT:
        case EXTENSION_AUTHENTICATION:
        case EXTENSION_DESTINATION:
        case EXTENSION_MOBILITY:
        case EXTENSION_HIP:
        case EXTENSION_SHIM6:
            return true;
        default:
            return false;
    }
}

// Bytes of an extension header. Its length counts units of 8 beyond the first 8; that of AH units of 4 (RFC 4302).
static __always_inline __u32 extension_bytes(__u8 kind, __u8 length) {
    if (kind == EXTENSION_FRAGMENT) return 8;
    if (kind == EXTENSION_AUTHENTICATION) return ((__u32)length + 2) * 4;
    return ((__u32)length + 1) * 8;
}

// Whether a routing header with segments left drops. Segment routing stays within a domain: a packet that comes in from
// outside drops at its edge (RFC 8754 section 5.1).
static __always_inline bool drops_routing(struct packet* packet, __u8 type) {
    if (type == ROUTING_SOURCE) return true;
    packet->is_segment_routed = type == ROUTING_SEGMENT && HOOK == EDGEFW_RECEIVED && config.side == EDGEFW_EXTERNAL &&
                                config.builtins >> EDGEFW_BUILTIN_SEGMENT_ROUTING & 1;
    return packet->is_segment_routed;
}

// Walks the extension headers from packet->transport on. The first header that is none of them gives the flow its
// protocol. The loop is unrolled: before Linux 6.8 the verifier takes a loop only where a branch goes back to its head,
// and clang lays this one out otherwise.
GLOBAL enum edgefw_reason walk_extensions(CONTEXT* context, __u32 first) {
    struct flight* flight = fetch();
    struct packet* packet;
    __u8 next = first;
    bool fragmented = false;
    bool fragment_seen = false;

    if (!flight) return EDGEFW_REASON_MALFORMED_EXTENSION;
    packet = &flight->packet;
#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_EXTENSION_HEADERS + 1; i++) {
        struct extension header;
        enum edgefw_reason reason;
        __u32 bytes;

        if (!is_extension(next)) {
            flight->flow.protocol = next;
            return WELL_FORMED;
        }
        if (i == EDGEFW_MAX_EXTENSION_HEADERS) break;
        if (next == EXTENSION_HOP_BY_HOP && i > 0) return EDGEFW_REASON_MALFORMED_EXTENSION;
        if (packet->transport_length < sizeof(header) || !load(context, packet->transport, &header, sizeof(header)))
            return fragmented ? EDGEFW_REASON_FRAGMENT_SHORT_FIRST : EDGEFW_REASON_MALFORMED_EXTENSION;
        bytes = extension_bytes(next, header.length);
        if (bytes > packet->transport_length)
            return fragmented ? EDGEFW_REASON_FRAGMENT_SHORT_FIRST : EDGEFW_REASON_MALFORMED_EXTENSION;
        if (next == EXTENSION_ROUTING && header.remaining != 0 && drops_routing(packet, header.type))
            return EDGEFW_REASON_IPV6_ROUTING_HEADER;
        packet->transport += bytes;
        packet->transport_length -= bytes;
        if (next == EXTENSION_FRAGMENT) {
            __u32 offset = (__u32)header.type << 8 | header.remaining;  // bytes 2 and 3 of a fragment header

            if (fragment_seen) return EDGEFW_REASON_MALFORMED_EXTENSION;
            fragment_seen = true;
            if (offset & (IPV6_OFFSET_MASK | IPV6_MORE_FRAGMENTS)) {
                fragmented = true;
                packet->fragment_id = header.id;
                flight->flow.protocol = header.next;
                reason = set_fragment(packet, header.next, offset & IPV6_OFFSET_MASK, offset & IPV6_MORE_FRAGMENTS,
                                      EDGEFW_REASON_MALFORMED_EXTENSION);
                if (reason != WELL_FORMED || packet->fragment == FRAGMENT_LATER) return reason;
            }
        }
        next = header.next;
    }
    return EDGEFW_REASON_EXTENSION_DEPTH;
}

static __always_inline enum edgefw_reason dissect_ipv6(CONTEXT* context, struct flight* flight, __u32 network) {
    struct packet* packet = &flight->packet;
    struct ipv6hdr copy;
    const struct ipv6hdr* header = read(context, network, &copy, sizeof(copy));
    struct transport transport;
    enum edgefw_reason reason;
    __u32 payload;
    bool big;

    if (!header) return EDGEFW_REASON_MALFORMED_IPV6;
    payload = bpf_ntohs(header->payload_len);
    big = payload == 0 && is_big(packet, packet->length - network - IPV6_HEADER);
    if (big) payload = packet->length - network - IPV6_HEADER;
    if (header->version != 6 || !has_bytes(context, packet, network + IPV6_HEADER + payload))
        return EDGEFW_REASON_MALFORMED_IPV6;
    set_addresses6(&flight->flow, HOOK, header->saddr.s6_addr32, header->daddr.s6_addr32);
    transport = (struct transport){header->nexthdr, network + IPV6_HEADER, payload};
    set_transport(flight, &transport);
    packet->hop_limit = header->hop_limit;
    if (is_extension(transport.protocol)) {
        const bool by_jumbo_header = big && transport.protocol == EXTENSION_HOP_BY_HOP;

        reason = by_jumbo_header ? take_jumbo_header(context) : walk_extensions(context, transport.protocol);
        if (reason != WELL_FORMED || packet->fragment == FRAGMENT_LATER) return reason;
        transport = (struct transport){flight->flow.protocol, packet->transport, packet->transport_length};
    }
    return dissect_transport(context, flight, &transport);
}
