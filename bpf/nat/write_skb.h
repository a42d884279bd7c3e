// SPDX-License-Identifier: GPL-2.0-only
// translate, writing into an skb, received or sent. Its twin is bpf/nat/write_xdp.h.
//
// The kernel knows whether a checksum is left to an offload, and what sum the card has made over the frame: its helpers
// see to both. There are no direct writes here: one in the program would unclone every packet's head, translated or
// not.
#pragma once

#include "bpf/flow/key.h"
#include "bpf/nat/write.h"

// Writes the transport header's checksum and port.
static __always_inline bool rewrite_port(CONTEXT* context, const struct flight* flight, const struct rewrite* change) {
    const __u32 transport = flight->packet.transport;
    const __u8 protocol = flight->flow.protocol;
    const bool echo = is_echo(&flight->flow);
    const __u32 checksum = transport + (echo ? ICMP_CHECKSUM : checksum_offset(protocol));
    const __u64 flags = avoids_zero(protocol) ? BPF_F_MARK_MANGLED_0
                        : echo                ? BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE  // as in new_checksum()
                                              : 0;

    if (!echo &&
        bpf_l4_csum_replace(context, checksum, change->from, change->to, flags | BPF_F_PSEUDO_HDR | sizeof(__be32)))
        return false;
    if (change->from_port == change->to_port) return true;
    return bpf_l4_csum_replace(context, checksum, change->from_port, change->to_port, flags | sizeof(__be16)) == 0 &&
           bpf_skb_store_bytes(context, transport + (echo ? ICMP_ID : port_offset(HOOK)), &change->to_port,
                               sizeof(__be16), 0) == 0;
}

// The headers of IPv4 without options, from TTL on. They are copied and written in words, as the kernel reads them
// again (bpf/flow/key.h). A packet lies on an odd multiple of 2, so clang would make a load for each byte of a memcpy.
union headers {
    struct {
        __u16 ttl_protocol;
        __u16 checksum;
        __be32 source;
        __be32 destination;
        __be16 source_port;
        __be16 destination_port;
        union {
            struct {
                __be16 length;
                __u16 checksum;
            } udp;
            struct {
                __be32 sequence;
                __be32 acknowledgment;
                __u32 flags_window;
                __u16 checksum;
                __be16 urgent;
            } tcp;
        };
    };
    __u64 word[4];
    __u32 half[8];
};
#define TCP_HEADERS sizeof(union headers)
#define UDP_HEADERS (sizeof(union headers) - 12)

// Everything that changes in a TCP or UDP packet lies close together, and is written in one call instead of four. Three
// kinds of packets are not written so: one whose checksum is left to an offload, which has the sum of the pseudo-header
// for a checksum; one that has that checksum by chance; and one that the kernel will segment.
enum writing {
    WRITTEN,
    NOT_WRITTEN,  // the kernel refuses
    NOT_AT_ONCE,  // rewrite() has to write it piece by piece
};

static __always_inline enum writing rewrite_at_once(CONTEXT* context, const struct flight* flight, __u32 protocol,
                                                    const struct rewrite* change) {
    const struct packet* packet = &flight->packet;
    const bool received = HOOK == EDGEFW_RECEIVED;
    void* data_end = (void*)(long)context->data_end;
    const union headers* from = (void*)(long)context->data + within(packet->network, NETWORK_MASK) + IPV4_TTL;
    const bool is_tcp = protocol == IPPROTO_TCP;
    const __u32 size = is_tcp ? TCP_HEADERS : UDP_HEADERS;
    union headers headers;
    __be32 remote;
    __u16 checksum;
    __u32 old;

    if (packet->fragment != FRAGMENT_NONE || context->gso_size || packet->transport != packet->network + IPV4_HEADER)
        return NOT_AT_ONCE;
    if ((void*)from + size > data_end) return NOT_AT_ONCE;
    remote = received ? from->source : from->destination;
    old = is_tcp ? from->tcp.checksum : from->udp.checksum;
    if (old == fold(pseudo_header(flight, change->from, remote))) return NOT_AT_ONCE;
    checksum = new_checksum(protocol, change, old, false);
    headers.word[0] =
        pair32(pair16(from->ttl_protocol, new_ip_checksum(from->checksum, change)), received ? remote : change->to);
    headers.word[1] = received ? pair32(change->to, pair16(from->source_port, change->to_port))
                               : pair32(remote, pair16(change->to_port, from->destination_port));
    if (is_tcp) {
        headers.word[2] = from->word[2];
        headers.word[3] = pair32(from->tcp.flags_window, pair16(checksum, from->tcp.urgent));
    } else {
        headers.half[4] = pair16(from->udp.length, checksum);
    }
    if (bpf_skb_store_bytes(context, packet->network + IPV4_TTL, &headers, size, BPF_F_RECOMPUTE_CSUM))
        return NOT_WRITTEN;
    return WRITTEN;
}

// The fields that change in the IP header. They lie side by side.
struct ip_ends {
    __u16 checksum;
    __be32 source;
    __be32 destination;
} __attribute__((packed, aligned(2)));

// Writes the new local end. `ports`: the transport header is there; a later fragment has none.
static __always_inline bool rewrite(CONTEXT* context, const struct flight* flight, const struct rewrite* change,
                                    bool ports) {
    __u32 protocol = flight->flow.protocol;
    const __u32 at = flight->packet.network + IPV4_CHECKSUM;
    const struct ip_ends* from;
    struct ip_ends ends;

    ONE_VALUE(protocol);
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
        const enum writing at_once = rewrite_at_once(context, flight, protocol, change);

        if (at_once != NOT_AT_ONCE) return at_once == WRITTEN;
    }
    from = read(context, at, &ends, sizeof(ends));
    if (!from) return false;
    ends = (struct ip_ends){
        .checksum = new_ip_checksum(from->checksum, change),
        .source = HOOK == EDGEFW_RECEIVED ? from->source : change->to,
        .destination = HOOK == EDGEFW_RECEIVED ? change->to : from->destination,
    };
    if (ports && (covers_addresses(protocol) || is_echo(&flight->flow)) && !rewrite_port(context, flight, change))
        return false;
    // Checksum and address cancel each other in a sum over the frame.
    return bpf_skb_store_bytes(context, at, &ends, sizeof(ends), 0) == 0;
}
