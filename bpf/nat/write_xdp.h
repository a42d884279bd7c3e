// SPDX-License-Identifier: GPL-2.0-only
// translate, writing into an XDP frame: direct writes. Its twin is bpf/nat/write_skb.h.
//
// XDP sees no mark of a checksum that is left to an offload: on veth, virtio and their like a received packet may carry
// the folded sum of its pseudo-header alone. Such a checksum is recognised by its value.
#pragma once

#include "bpf/nat/write.h"

#define CHUNK 512

// The one's complement sum of `length` bytes of the frame. is_partial() rarely asks for it.
GLOBAL __u64 sum_payload(CONTEXT* context, __u32 offset, __u32 length) {
    __u32 zero = 0;
    struct checksum_scratch* chunk = bpf_map_lookup_elem(&scratch, &zero);
    __s64 sum = 0;

    if (!chunk) return 0;
    for (int i = 0; i < DATAGRAM_MAX / CHUNK + 1 && length >= CHUNK; i++) {
        if (!load(context, offset, chunk->words, CHUNK)) return 0;
        sum = bpf_csum_diff(NULL, 0, chunk->words, CHUNK, sum);
        if (sum < 0) return 0;
        offset += CHUNK;
        length -= CHUNK;
    }
    if (length > 0 && length < CHUNK) {
        // An odd tail counts as if a zero byte followed it, and csum_diff takes whole words.
        __builtin_memset(chunk->words, 0, sizeof(chunk->words));
        if (!load(context, offset, chunk->words, size_within(length, CHUNK))) return 0;
        sum = bpf_csum_diff(NULL, 0, chunk->words, CHUNK, sum);
    }
    return sum;
}

// Whether a checksum is left to an offload: then it equals the sum of the pseudo-header. A whole checksum does so once
// in 65,536 packets. Then a full sum settles it: a whole checksum makes the sum of everything 0xffff.
static __always_inline bool is_partial(CONTEXT* context, const struct flight* flight, __u32 checksum, __be32 source,
                                       __be32 destination) {
    const struct packet* packet = &flight->packet;
    __u64 pseudo;

    if (!config.partial_checksums || packet->fragment != FRAGMENT_NONE) return false;
    pseudo = pseudo_header(flight, source, destination);
    if (checksum != fold(pseudo)) return false;
    return fold(pseudo + sum_payload(context, packet->transport, packet->transport_length)) != 0xffff;
}

// Writes the new local end. XDP sees received packets only, so it is the destination. `ports`: the transport header is
// there; a later fragment has none.
static __always_inline bool rewrite(CONTEXT* context, const struct flight* flight, const struct rewrite* change,
                                    bool ports) {
    const __u8 protocol = flight->flow.protocol;
    void* data = (void*)(long)context->data;
    void* data_end = (void*)(long)context->data_end;
    void* ip = data + within(flight->packet.network, NETWORK_MASK);
    void* header = data + within(flight->packet.transport, TRANSPORT_MASK);
    __be32 source;
    __u16* field;

    if (ip + IPV4_HEADER > data_end) return false;
    source = *(__be32*)(ip + IPV4_SOURCE);
    if (ports && covers_addresses(protocol)) {
        if (header + UDP_HEADER > data_end) return false;
        field = header + UDP_CHECKSUM;
        if (protocol == IPPROTO_TCP) {
            if (header + TCP_HEADER > data_end) return false;
            field = header + TCP_CHECKSUM;
        }
        *field = new_checksum(protocol, change, *field, is_partial(context, flight, *field, source, change->from));
        if (flight->flow.has_ports) *(__be16*)(header + DESTINATION_PORT) = change->to_port;
    } else if (ports && is_echo(&flight->flow) && change->from_port != change->to_port) {
        if (header + ICMP_HEADER > data_end) return false;
        field = header + ICMP_CHECKSUM;
        *field = ~fold((__u64)(__u16) ~*field + port_change(change->from_port, change->to_port));
        // A reply may be all zeros. Its checksum is the other zero of one's complement.
        if (*field == 0) *field = 0xffff;
        *(__be16*)(header + ICMP_ID) = change->to_port;
    }
    field = ip + IPV4_CHECKSUM;
    *field = new_ip_checksum(*field, change);
    *(__be32*)(ip + IPV4_DESTINATION) = change->to;
    return true;
}
