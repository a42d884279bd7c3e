// SPDX-License-Identifier: GPL-2.0-only
// translate, the writing: the local end of a packet, and every checksum that covers it (RFC 1624). IPv4.
//
//   takes    the context and the flight, with the translation that was found
//   gives    whether the packet is written; decide drops it where the kernel refuses
//   before   decide (bpf/decide.h) has passed the packet
//   after    account (bpf/account.h)
//
// This file has what is the same for both program types. bpf/nat/write_xdp.h and bpf/nat/write_skb.h have the writing.
#pragma once

#include "bpf/frame/dissect.h"
#include "bpf/maps.h"

#define IPV4_TTL 8
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6  // UDP-Lite and DCCP have theirs there, too
#define ICMP_CHECKSUM 2
#define CHECKSUM_BYTES 2
#define ICMP_ID 4
#define SOURCE_PORT 0
#define DESTINATION_PORT 2

// Where the headers of an IPv4 packet begin, for within(): the IP header at 22 at most (Ethernet and two tags), the
// transport header 60 bytes behind that.
#define NETWORK_MASK 0x3f
#define TRANSPORT_MASK 0x7f

static __always_inline __u32 fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// How a one's complement sum changes by an address, and by a port.
static __always_inline __u64 address_change(__be32 from, __be32 to) {
    return (__u64)(~from) + to;
}
static __always_inline __u64 port_change(__be16 from, __be16 to) {
    return (__u64)(__u16)~from + to;
}

// The local end as the frame has it (`from`), and as it shall leave (`to`).
struct rewrite {
    __be32 from;
    __be32 to;
    __be16 from_port;
    __be16 to_port;
};

static __always_inline __u32 checksum_offset(__u8 protocol) {
    return protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
}

// Whether the checksum covers the addresses, by a pseudo-header.
static __always_inline bool covers_addresses(__u8 protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
           protocol == IPPROTO_DCCP;
}

// Whether a sender writes no checksum of 0, but its other zero, 0xffff (RFC 768, RFC 3828 section 3.1). A received 0
// stays one: of UDP it says that there is no checksum, of UDP-Lite it is wrong.
static __always_inline bool avoids_zero(__u8 protocol) {
    return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

static __always_inline bool is_echo(const struct flow* flow) {
    return flow->protocol == IPPROTO_ICMP && flow->tracked;
}

// The checksum after the change. RFC 1624: a whole one is ~(~old + ~from + to). A partial one holds the sum itself,
// without ports.
static __always_inline __u16 new_checksum(__u8 protocol, const struct rewrite* change, __u32 old, bool partial) {
    __u64 addresses = address_change(change->from, change->to);
    __u32 sum;

    if (avoids_zero(protocol) && old == 0) return 0;
    if (partial) return fold(old + addresses);
    sum = ~fold((__u64)(__u16)~old + addresses + port_change(change->from_port, change->to_port)) & 0xffff;
    // A message of ICMP that is all zero has 0xffff, which an update cannot tell from 0. Of any other both are right.
    if (sum == 0 && (avoids_zero(protocol) || protocol == IPPROTO_ICMP)) return 0xffff;
    return sum;
}

static __always_inline __u16 new_ip_checksum(__u16 old, const struct rewrite* change) {
    return ~fold((__u64)(__u16)~old + address_change(change->from, change->to));
}

// The sum over the pseudo-header of a packet between these addresses (RFC 9293 section 3.1).
static __always_inline __u64 pseudo_header(const struct flight* flight, __be32 source, __be32 destination) {
    return (__u64)source + destination + bpf_htons(flight->flow.protocol) +
           bpf_htons(flight->packet.transport_length & 0xffff);
}

// How a packet of this flow is rewritten. Received: the local end is the destination, and becomes the inside one. Sent:
// it is the source, and becomes the public one.
static __always_inline struct rewrite rewrite_of(const struct flow* flow, const struct translation* translation) {
    const __be32 inside = flow->key4.local;
    const __be16 port = flow->key4.local_port;

    if (HOOK == EDGEFW_RECEIVED)
        return (struct rewrite){translation->public_address, inside, translation->public_port, port};
    return (struct rewrite){inside, translation->public_address, port, translation->public_port};
}

// Where the local address and port are in the headers of a packet seen at `hook`.
static __always_inline __u32 address_offset(const __u32 hook) {
    return hook == EDGEFW_RECEIVED ? IPV4_DESTINATION : IPV4_SOURCE;
}

static __always_inline __u32 port_offset(const __u32 hook) {
    return hook == EDGEFW_RECEIVED ? DESTINATION_PORT : SOURCE_PORT;
}
