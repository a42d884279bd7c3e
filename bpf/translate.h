// translate, the writing: the local end of a packet, and every checksum that covers it (RFC 1624). IPv4.
#pragma once

#include "bpf/dissect.h"
#include "bpf/maps.h"

#define IPV4_TTL 8
#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6  // UDP-Lite and DCCP have theirs there, too
#define ICMP_CHECKSUM 2
#define ICMP_ID 4
#define SOURCE_PORT 0
#define DESTINATION_PORT 2
#define CHUNK 512

static __always_inline __u32 fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// What a 32-bit word and a port change in a one's complement sum.
static __always_inline __u64 address_change(__be32 from, __be32 to) {
    return (__u64)(~from) + to;
}
static __always_inline __u64 port_change(__be16 from, __be16 to) {
    return (__u64)(__u16)~from + to;
}

// The one's complement sum of `length` bytes of the frame. Rare, see below.
__noinline __u64 sum_payload(struct xdp_md* context, __u32 offset, __u32 length) {
    __u32 zero = 0;
    struct checksum_scratch* chunk = bpf_map_lookup_elem(&scratch, &zero);
    __s64 sum = 0;

    if (!chunk) return 0;
    for (int i = 0; i < DATAGRAM_MAX / CHUNK + 1 && length >= CHUNK; i++) {
        if (bpf_xdp_load_bytes(context, offset, chunk->words, CHUNK)) return 0;
        sum = bpf_csum_diff(NULL, 0, chunk->words, CHUNK, sum);
        if (sum < 0) return 0;
        offset += CHUNK;
        length -= CHUNK;
    }
    if (length > 0 && length < CHUNK) {
        // An odd tail counts as if a zero byte followed it, and csum_diff takes whole words.
        __builtin_memset(chunk->words, 0, sizeof(chunk->words));
        if (bpf_xdp_load_bytes(context, offset, chunk->words, length)) return 0;
        sum = bpf_csum_diff(NULL, 0, chunk->words, CHUNK, sum);
    }
    return sum;
}

static __always_inline __u64 pseudo_header(const struct packet* packet, __be32 source, __be32 destination) {
    return (__u64)source + destination + bpf_htons(packet->protocol) + bpf_htons(packet->transport_length & 0xffff);
}

// On veth and virtio a received packet may carry the folded sum of its pseudo-header alone: the sender left the rest to
// an offload, and nothing marks it. A whole checksum equals that sum once in 65,536 packets, and then a full sum
// settles it: a whole one makes the sum of everything 0xffff.
static __always_inline bool is_partial(struct xdp_md* context, const struct packet* packet, __u32 checksum,
                                       __be32 source, __be32 destination) {
    __u64 pseudo;

    if (!config.partial_checksums || packet->fragment != FRAGMENT_NONE) return false;
    pseudo = pseudo_header(packet, source, destination);
    if (checksum != fold(pseudo)) return false;
    return fold(pseudo + sum_payload(context, packet->transport, packet->transport_length)) != 0xffff;
}

struct rewrite {
    __be32 from;
    __be32 to;
    __be16 from_port;
    __be16 to_port;
};

static __always_inline __u32 checksum_offset(const struct packet* packet) {
    return packet->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
}

// The checksum covers the addresses, by a pseudo-header.
static __always_inline bool covers_addresses(__u8 protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
           protocol == IPPROTO_DCCP;
}

static __always_inline bool is_echo(const struct packet* packet) {
    return packet->protocol == IPPROTO_ICMP && packet->tracked;
}

// RFC 1624: for a whole checksum, ~(~old + ~from + to); a partial one holds the sum itself, without ports.
static __always_inline __u16 new_checksum(const struct packet* packet, const struct rewrite* change, __u32 old,
                                          bool partial) {
    __u64 addresses = address_change(change->from, change->to);
    __u32 sum;

    if (packet->protocol == IPPROTO_UDP && old == 0) return 0;  // the sender sent none
    if (partial) return fold(old + addresses);
    sum = ~fold((__u64)(__u16)~old + addresses + port_change(change->from_port, change->to_port)) & 0xffff;
    if (packet->protocol == IPPROTO_UDP && sum == 0) return 0xffff;
    return sum;
}

static __always_inline __u16 new_ip_checksum(__u16 old, const struct rewrite* change) {
    return ~fold((__u64)(__u16)~old + address_change(change->from, change->to));
}

// Received: writes the new destination. `ports`: the transport header is there (not a later fragment).
static __always_inline bool rewrite_destination(struct xdp_md* context, const struct packet* packet,
                                                const struct rewrite* change, bool ports) {
    void* data = (void*)(long)context->data;
    void* data_end = (void*)(long)context->data_end;
    __u32 network = packet->network, transport = packet->transport;
    void* ip = data + (network & 0x3f);
    void* header = data + (transport & 0x7f);
    __be32 source;
    __u16* field;

    if (ip + IPV4_HEADER > data_end) return false;
    source = *(__be32*)(ip + IPV4_SOURCE);
    if (ports && covers_addresses(packet->protocol)) {
        if (header + UDP_HEADER > data_end) return false;
        field = header + UDP_CHECKSUM;
        if (packet->protocol == IPPROTO_TCP) {
            if (header + TCP_HEADER > data_end) return false;
            field = header + TCP_CHECKSUM;
        }
        *field = new_checksum(packet, change, *field, is_partial(context, packet, *field, source, change->from));
        if (packet->has_ports) *(__be16*)(header + DESTINATION_PORT) = change->to_port;
    } else if (ports && is_echo(packet) && change->from_port != change->to_port) {
        if (header + ICMP_HEADER > data_end) return false;
        field = header + ICMP_CHECKSUM;
        *field = ~fold((__u64)(__u16) ~*field + port_change(change->from_port, change->to_port));
        // A reply may be all zeros: the other zero is its checksum.
        if (*field == 0) *field = 0xffff;
        *(__be16*)(header + ICMP_ID) = change->to_port;
    }
    field = ip + IPV4_CHECKSUM;
    *field = new_ip_checksum(*field, change);
    *(__be32*)(ip + IPV4_DESTINATION) = change->to;
    return true;
}

// Sent: the transport header's checksum and port.
static __always_inline bool rewrite_source_port(struct __sk_buff* context, const struct packet* packet,
                                                const struct rewrite* change) {
    const bool echo = is_echo(packet);
    __u32 checksum = packet->transport + (echo ? ICMP_CHECKSUM : checksum_offset(packet));
    __u64 flags = packet->protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;

    if (!echo && bpf_l4_csum_replace(context, checksum, change->from, change->to, flags | BPF_F_PSEUDO_HDR | 4))
        return false;
    if (change->from_port == change->to_port) return true;
    return bpf_l4_csum_replace(context, checksum, change->from_port, change->to_port, flags | 2) == 0 &&
           bpf_skb_store_bytes(context, packet->transport + (echo ? ICMP_ID : SOURCE_PORT), &change->to_port, 2, 0) ==
               0;
}

// From TTL on, of IPv4 without options. A packet lies on an odd multiple of 2: of a memcpy clang would make a load a
// byte. Copied, and written, by word, as the kernel reads it again (bpf/key.h).
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

// Sent: of a TCP or UDP packet with a whole checksum, everything that changes lies close together, and is written in
// one call instead of four. What is left to an offload has the sum of its pseudo-header for a checksum; what has it by
// chance is written in the careful way, too. So is what the kernel will segment.
enum writing { WRITTEN, REFUSED_WRITING, NOT_AT_ONCE };

static __always_inline enum writing rewrite_at_once(struct __sk_buff* context, const struct packet* packet,
                                                    const struct rewrite* change) {
    void* data_end = (void*)(long)context->data_end;
    const union headers* from = (void*)(long)context->data + (packet->network & 0x3f) + IPV4_TTL;
    const bool is_tcp = packet->protocol == IPPROTO_TCP;
    const __u32 size = is_tcp ? TCP_HEADERS : UDP_HEADERS;
    union headers headers;
    __u16 checksum;
    __u32 old;

    if (packet->fragment != FRAGMENT_NONE || context->gso_size || packet->transport != packet->network + IPV4_HEADER)
        return NOT_AT_ONCE;
    if ((void*)from + size > data_end) return NOT_AT_ONCE;
    old = is_tcp ? from->tcp.checksum : from->udp.checksum;
    if (old == fold(pseudo_header(packet, change->from, from->destination))) return NOT_AT_ONCE;
    checksum = new_checksum(packet, change, old, false);
    headers.word[0] = pair32(pair16(from->ttl_protocol, new_ip_checksum(from->checksum, change)), change->to);
    headers.word[1] = pair32(from->destination, pair16(change->to_port, from->destination_port));
    if (is_tcp) {
        headers.word[2] = from->word[2];
        headers.word[3] = pair32(from->tcp.flags_window, pair16(checksum, from->tcp.urgent));
    } else {
        headers.half[4] = pair16(from->udp.length, checksum);
    }
    if (bpf_skb_store_bytes(context, packet->network + IPV4_TTL, &headers, size, BPF_F_RECOMPUTE_CSUM))
        return REFUSED_WRITING;
    return WRITTEN;
}

// Sent: writes the new source. The kernel knows whether the checksum is left to an offload: its helpers see to it. No
// direct writes here: one in the program would unclone every sent packet's head, translated or not.
static __always_inline bool rewrite_source(struct __sk_buff* context, const struct packet* packet,
                                           const struct rewrite* change, bool ports) {
    struct {
        __u16 checksum;
        __be32 source;
    } __attribute__((packed)) ip;
    void* header = (void*)(long)context->data + (packet->network & 0x3f);  // behind two tags at most

    if (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP) {
        const enum writing at_once = rewrite_at_once(context, packet, change);

        if (at_once != NOT_AT_ONCE) return at_once == WRITTEN;
    }
    // What the stack sends has its headers in the linear part; what it forwards was linear when it was received.
    if (header + IPV4_HEADER > (void*)(long)context->data_end) return false;
    ip.checksum = new_ip_checksum(*(__u16*)(header + IPV4_CHECKSUM), change);
    ip.source = change->to;
    if (ports && (covers_addresses(packet->protocol) || is_echo(packet)) &&
        !rewrite_source_port(context, packet, change))
        return false;
    return bpf_skb_store_bytes(context, packet->network + IPV4_CHECKSUM, &ip, sizeof(ip), 0) == 0;
}

// Writes what translation was decided on. False when the kernel refuses: then the packet must not leave.
static __always_inline bool write_translation(void* context, const __u32 hook, const struct packet* packet) {
    const bool ports = packet->fragment != FRAGMENT_LATER;
    const __be32 local = packet->key4.local;
    const __be16 port = packet->key4.local_port;
    struct rewrite change;

    if (hook == EDGEFW_RECEIVED) {
        change = (struct rewrite){packet->public_address, local, packet->public_port, port};
        return rewrite_destination(context, packet, &change, ports);
    }
    change = (struct rewrite){local, packet->public_address, port, packet->public_port};
    return rewrite_source(context, packet, &change, ports);
}
