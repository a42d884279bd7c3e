// translate: destination NAT of what is received, source NAT of the replies that are sent. Finding the entry is here,
// and rewriting addresses and checksums (RFC 1624); IPv4, TCP and UDP.
#pragma once

#include "bpf/dissect.h"
#include "bpf/maps.h"

#include <linux/if_ether.h>

#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define SOURCE_PORT 0
#define DESTINATION_PORT 2
#define CHUNK 512

// TCP or UDP over IPv4, with a local port that some forward has.
static __always_inline bool may_be_forwarded(const struct packet* packet, const __u32 hook) {
    __u64 ports = hook == EDGEFW_RECEIVED ? config.forward_in_ports : config.forward_out_ports;

    return config.has_forwards && packet->family == EDGEFW_IPV4 && packet->has_ports &&
           (ports & edgefw_forward_bit(packet->key4.local_port));
}

static __always_inline bool is_public_end(const struct edgefw_forward* forward, __be32 address, __be16 port,
                                          __u8 protocol) {
    return (forward->flags & EDGEFW_FORWARD_USED) && forward->public_address == address &&
           forward->public_port == port && forward->protocol == protocol;
}

// The entry in force of a public address and port, or NULL. `retired`, where given, says whether a retired one matches.
static __always_inline struct edgefw_forward* forward_of_public(__be32 address, __be16 port, __u8 protocol,
                                                                bool* retired) {
    __u32 index = edgefw_forward_bucket(address, port, protocol, config.forward_in_seed, config.forward_in_mask);
    struct edgefw_forward* active = NULL;

#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
        struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_in, &index);

        if (!forward) break;
        if (is_public_end(forward, address, port, protocol)) {
            if (!(forward->flags & EDGEFW_FORWARD_RETIRED))
                active = active ? active : forward;
            else if (retired)
                *retired = true;
        }
        index = forward->next;
        if (index == 0) break;
    }
    return active;
}

// Received: gives the packet the target as its local end.
static __always_inline void translate_destination(struct packet* packet) {
    struct edgefw_forward* forward =
        forward_of_public(packet->key4.local, packet->key4.local_port, packet->key4.protocol, &packet->retired);

    if (!forward) return;
    packet->public_address = packet->key4.local;
    packet->public_port = packet->key4.local_port;
    packet->nat = forward->slot;
    set_key_addresses4(packet, forward->target_address, packet->key4.remote);
    set_key_end(packet, forward->target_port, packet->key4.remote_port, forward->slot);
}

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

// On veth and virtio a received packet may carry the folded sum of its pseudo-header alone: the sender left the rest to
// an offload, and nothing marks it. A whole checksum equals that sum once in 65,536 packets, and then a full sum
// settles it: a whole one makes the sum of everything 0xffff.
static __always_inline bool is_partial(struct xdp_md* context, const struct packet* packet, __u32 checksum,
                                       __be32 source, __be32 destination) {
    __u64 pseudo;

    if (!config.partial_checksums || packet->fragment != FRAGMENT_NONE) return false;
    pseudo = (__u64)source + destination + bpf_htons(packet->protocol) + bpf_htons(packet->transport_length & 0xffff);
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
    if (ports) {
        if (header + UDP_HEADER > data_end) return false;
        field = header + UDP_CHECKSUM;
        if (packet->protocol == IPPROTO_TCP) {
            if (header + TCP_HEADER > data_end) return false;
            field = header + TCP_CHECKSUM;
        }
        *field = new_checksum(packet, change, *field, is_partial(context, packet, *field, source, change->from));
        *(__be16*)(header + DESTINATION_PORT) = change->to_port;
    }
    field = ip + IPV4_CHECKSUM;
    *field = new_ip_checksum(*field, change);
    *(__be32*)(ip + IPV4_DESTINATION) = change->to;
    return true;
}

// Sent: writes the new source. The kernel knows whether the checksum is left to an offload: its helpers see to it. No
// direct writes here: one in the program would unclone every sent packet's head, translated or not.
static __always_inline bool rewrite_source(struct __sk_buff* context, const struct packet* packet,
                                           const struct rewrite* change, bool ports) {
    __u32 checksum = packet->transport + checksum_offset(packet);
    __u64 flags = packet->protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
    struct {
        __u16 checksum;
        __be32 source;
    } __attribute__((packed)) ip;
    void* header = (void*)(long)context->data + (packet->network & 0x3f);  // behind two tags at most

    // What the stack sends has its headers in the linear part; what it forwards was linear when it was received.
    if (header + IPV4_HEADER > (void*)(long)context->data_end) return false;
    ip.checksum = new_ip_checksum(*(__u16*)(header + IPV4_CHECKSUM), change);
    ip.source = change->to;
    if (ports) {
        if (bpf_l4_csum_replace(context, checksum, change->from, change->to, flags | BPF_F_PSEUDO_HDR | 4))
            return false;
        if (change->from_port != change->to_port) {
            if (bpf_l4_csum_replace(context, checksum, change->from_port, change->to_port, flags | 2) ||
                bpf_skb_store_bytes(context, packet->transport + SOURCE_PORT, &change->to_port, 2, 0))
                return false;
        }
    }
    return bpf_skb_store_bytes(context, packet->network + IPV4_CHECKSUM, &ip, sizeof(ip), 0) == 0;
}

// Writes what translation was decided on. False when the kernel refuses: then the packet must not leave.
static __always_inline bool write_translation(void* context, const __u32 hook, const struct packet* packet) {
    __be32 local = packet->key4.local;
    __be16 port = packet->key4.local_port;
    bool ports = packet->fragment != FRAGMENT_LATER;
    struct rewrite change;

    if (hook == EDGEFW_RECEIVED) {
        change = (struct rewrite){packet->public_address, local, packet->public_port, port};
        return rewrite_destination(context, packet, &change, ports);
    }
    change = (struct rewrite){local, packet->public_address, port, packet->public_port};
    return rewrite_source(context, packet, &change, ports);
}
