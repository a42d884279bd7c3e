// relate: an ICMP or ICMPv6 error quotes the packet it is about (RFC 792, RFC 4443 section 3). It belongs to the
// connection of that packet, which went the other way; and is translated with it, outside and inside.
#pragma once

#include "bpf/track.h"
#include "bpf/translate.h"

#define ICMP_QUOTE 8  // bytes before the quoted packet
#define IPV6_HEADER_BYTES 40
#define QUOTED_EXTENSIONS 2  // headers skipped between a quoted IPv6 header and its transport
#define QUOTED_TRANSPORT 8   // what every error quotes of it

struct quoted_ipv4 {
    __u8 version_length;
    __u8 unused[5];
    __be16 fragment;
    __u8 ttl;
    __u8 protocol;
    __be16 checksum;
    __be32 source;
    __be32 destination;
};

struct quoted_ipv6 {
    __be32 version;
    __be16 length;
    __u8 next;
    __u8 hop_limit;
    __be32 source[4];
    __be32 destination[4];
};

struct quoted_extension {
    __u8 next;
    __u8 length;
    __be16 fragment;  // of a fragment header
};

// Sets the addresses of the key and finds the transport header; false where it is not there. Local is the end that is
// local at this hook: the source of what was quoted, when the error was received.
static __always_inline bool read_quoted_ipv4(void* context, const __u32 hook, struct packet* packet) {
    struct quoted_ipv4 ip;
    __u32 at = packet->transport + ICMP_QUOTE;

    if (!load(context, hook, at, &ip, sizeof(ip)) || ip.version_length >> 4 != 4) return false;
    if (ip.fragment & bpf_htons(0x1fff)) return false;  // a later fragment says nothing of its ports
    packet->protocol = ip.protocol;
    packet->quoted_transport = at + (ip.version_length & 15) * 4;
    if (hook == EDGEFW_RECEIVED)
        set_key_addresses4(packet, ip.source, ip.destination);
    else
        set_key_addresses4(packet, ip.destination, ip.source);
    return (ip.version_length & 15) >= 5;
}

static __always_inline bool read_quoted_ipv6(void* context, const __u32 hook, struct packet* packet) {
    struct quoted_ipv6 ip;
    __u32 at = packet->transport + ICMP_QUOTE;
    __u8 next;

    if (!load(context, hook, at, &ip, sizeof(ip)) || (ip.version & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
        return false;
    next = ip.next;
    at += IPV6_HEADER_BYTES;
    for (int i = 0; i < QUOTED_EXTENSIONS; i++) {
        struct quoted_extension extension;

        if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS && next != IPPROTO_FRAGMENT) break;
        if (!load(context, hook, at, &extension, sizeof(extension))) return false;
        if (next == IPPROTO_FRAGMENT && (extension.fragment & bpf_htons(0xfff8))) return false;
        at += next == IPPROTO_FRAGMENT ? 8 : (extension.length + 1) * 8;
        next = extension.next;
    }
    packet->protocol = next;
    packet->quoted_transport = at;
    if (hook == EDGEFW_RECEIVED)
        set_key_addresses6(packet, ip.source, ip.destination);
    else
        set_key_addresses6(packet, ip.destination, ip.source);
    return true;
}

// Gives the packet the key of what it quotes.
static __always_inline bool read_quoted(void* context, const __u32 hook, struct packet* packet) {
    bool found = packet->family == EDGEFW_IPV4 ? read_quoted_ipv4(context, hook, packet)
                                               : read_quoted_ipv6(context, hook, packet);
    union {
        struct {
            __be16 source;
            __be16 destination;
            __be32 sequence;
        };
        struct icmp_header icmp;
    } start;

    if (!found || !load(context, hook, packet->quoted_transport, &start, QUOTED_TRANSPORT)) return false;
    if (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP) {
        set_ports(OTHER(hook), packet, start.source, start.destination);
        packet->sequence_be = start.sequence;
        return true;
    }
    if (packet->protocol == IPPROTO_ICMP || packet->protocol == PROTOCOL_ICMPV6) {
        const bool ipv4 = packet->family == EDGEFW_IPV4;
        const __u8 request = ipv4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
        const __u8 reply = ipv4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;

        if (start.icmp.type != request && start.icmp.type != reply) return false;
        set_echo(OTHER(hook), packet, start.icmp.id, start.icmp.type == request);
        return true;
    }
    set_key_end(packet, 0, 0);
    return true;
}

// Functions of their own: what they read does not lie on the stack while a connection is judged again.
__noinline int read_quoted_received(struct xdp_md* context, struct packet* packet) {
    return packet && read_quoted(context, EDGEFW_RECEIVED, packet);
}

__noinline int read_quoted_sent(struct __sk_buff* context, struct packet* packet) {
    return packet && read_quoted(context, EDGEFW_SENT, packet);
}

// An error goes to whom it quotes. `outer`: the key of the error itself.
static __always_inline bool goes_to_sender(const struct packet* packet, const struct edgefw_connection6_key* outer,
                                           const __u32 hook) {
    const struct edgefw_connection4_key* outer4 = (const void*)outer;

    if (packet->family == EDGEFW_IPV4)
        return hook == EDGEFW_RECEIVED ? packet->key4.local == outer4->local : packet->key4.remote == outer4->remote;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (hook == EDGEFW_RECEIVED ? packet->key6.local[i] != outer->local[i]
                                    : packet->key6.remote[i] != outer->remote[i])
            return false;
    }
    return true;
}

// RFC 5927 section 4.1: a TCP error is about data that is on its way, or was a window ago. `from` sent what is quoted.
static __always_inline bool quotes_what_was_sent(const struct packet* packet, const struct edgefw_end* from,
                                                 const struct edgefw_end* to) {
    if (packet->protocol != IPPROTO_TCP || packet->half_open) return true;
    return !is_after(sequence(packet), from->next) && (__s32)(to->acknowledged - sequence(packet)) <= (__s32)to->window;
}

static __always_inline void pass_error(struct packet* packet, const struct edgefw_connection* connection,
                                       const __u32 hook) {
    packet->slot = connection->rule;
    take_translation(packet, connection, hook);
    packet->verdict = EDGEFW_PASS;
    packet->reason = EDGEFW_REASON_ICMP_ERROR;
}

enum relation {
    UNRELATED,  // the packet is as it was
    RELATED,    // and decided: it passes with its connection, and counts for its rule
    OUTDATED,   // related to a connection that this generation has yet to judge; the key is that connection's
};

// An error keeps no connection alive.
static __always_inline enum relation relate_error(void* context, struct packet* packet, const __u32 hook) {
    const struct edgefw_connection6_key key = packet->key6;
    const __u8 protocol = packet->protocol;
    struct edgefw_connection* connection = NULL;
    bool quotes = hook == EDGEFW_RECEIVED ? read_quoted_received(context, packet) : read_quoted_sent(context, packet);

    if (quotes && goes_to_sender(packet, &key, hook)) {
        if (hook == EDGEFW_RECEIVED) translate_destination(packet);
        connection = live(packet, hook);
    }
    if (connection && quotes_what_was_sent(packet, &connection->end[OTHER(hook)], &connection->end[hook])) {
        if ((__s32)(connection->generation - config.generation) < 0) return OUTDATED;
        pass_error(packet, connection, hook);
        return RELATED;
    }
    packet->key6 = key;
    packet->protocol = protocol;
    packet->has_ports = false;
    packet->retired = packet->masqueraded = false;
    packet->needs_tracking = 0;
    set_public(packet, 0, 0, 0);
    return UNRELATED;
}

__noinline int relate_received(struct xdp_md* context, struct packet* packet) {
    return packet ? relate_error(context, packet, EDGEFW_RECEIVED) : UNRELATED;
}

__noinline int relate_sent(struct __sk_buff* context, struct packet* packet) {
    return packet ? relate_error(context, packet, EDGEFW_SENT) : UNRELATED;
}

// Of an error that is OUTDATED. Beside relate_error(), not within: the stack is short.
static __always_inline int judge_outdated(struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection = live(packet, hook);

    if (connection && judge_again(packet, connection)) {
        pass_error(packet, connection, hook);
        return 0;
    }
    if (connection) revoke(packet, connection);
    packet->nat = 0;
    packet->verdict = EDGEFW_DROP;
    packet->reason = EDGEFW_REASON_REVOKED;
    return 0;
}

__noinline int judge_related_received(struct packet* packet) {
    return packet ? judge_outdated(packet, EDGEFW_RECEIVED) : 0;
}

__noinline int judge_related_sent(struct packet* packet) {
    return packet ? judge_outdated(packet, EDGEFW_SENT) : 0;
}

// relate: true when the error is decided.
static __always_inline bool relate(void* context, struct packet* packet, const __u32 hook) {
    enum relation relation = hook == EDGEFW_RECEIVED ? relate_received(context, packet) : relate_sent(context, packet);

    if (relation == OUTDATED && hook == EDGEFW_RECEIVED) judge_related_received(packet);
    if (relation == OUTDATED && hook == EDGEFW_SENT) judge_related_sent(packet);
    return relation != UNRELATED;
}

static __always_inline bool save(void* context, const __u32 hook, __u32 offset, const void* from, __u32 size) {
    if (hook == EDGEFW_RECEIVED) return bpf_xdp_store_bytes(context, offset, (void*)from, size) == 0;
    return bpf_skb_store_bytes(context, offset, from, size, 0) == 0;
}

// Replaces an address and the checksum of the IP header it is in; `sum` gets what that changes in a sum over both.
static __always_inline bool replace_address(void* context, const __u32 hook, __u32 header, __u32 at, __be32 to,
                                            __u64* sum) {
    struct rewrite change = {.to = to};
    __u16 old, new;

    if (!load(context, hook, header + at, &change.from, 4) || !load(context, hook, header + IPV4_CHECKSUM, &old, 2))
        return false;
    new = new_ip_checksum(old, &change);
    *sum += address_change(change.from, to) + port_change(old, new);
    return save(context, hook, header + at, &to, 4) && save(context, hook, header + IPV4_CHECKSUM, &new, 2);
}

// Of the quoted transport header: the port or the echo's identifier, and the checksum where it is quoted.
static __always_inline bool replace_port(void* context, const __u32 hook, const struct packet* packet,
                                         const struct rewrite* change, __u64* sum) {
    const bool echo = packet->protocol == IPPROTO_ICMP;
    const __u32 port = hook == EDGEFW_RECEIVED ? SOURCE_PORT : DESTINATION_PORT;
    __u32 at = packet->quoted_transport + (echo ? ICMP_ID : port);
    __u32 checksum = packet->quoted_transport + (echo ? ICMP_CHECKSUM : checksum_offset(packet));
    __u16 old, new;

    if (!echo && !covers_addresses(packet->protocol)) return true;
    if (change->from_port != change->to_port) {
        if (!save(context, hook, at, &change->to_port, 2)) return false;
        *sum += port_change(change->from_port, change->to_port);
    }
    if (checksum + 2 > packet->transport + packet->transport_length || !load(context, hook, checksum, &old, 2))
        return true;
    if (echo)
        new = ~fold((__u64)(__u16)~old + port_change(change->from_port, change->to_port));
    else
        new = new_checksum(packet, change, old, false);
    *sum += port_change(old, new);
    return save(context, hook, checksum, &new, 2);
}

// Writes the translation of an error: its own outer end, and the quoted end with its checksums; the ICMP checksum
// covers all that is quoted. An error that a router on the inside sends leaves with the public address as its source.
static __always_inline bool write_error(void* context, const __u32 hook, const struct packet* packet) {
    const bool received = hook == EDGEFW_RECEIVED;
    const __be32 target = packet->key4.local;
    const __be16 port = packet->key4.local_port;
    const __be32 to = received ? target : packet->public_address;
    const struct rewrite change = received
                                      ? (struct rewrite){packet->public_address, target, packet->public_port, port}
                                      : (struct rewrite){target, packet->public_address, port, packet->public_port};
    __u32 checksum = packet->transport + 2;
    __u64 sum = 0, outer = 0;
    __u16 old, new;

    if (!replace_address(context, hook, packet->network, received ? IPV4_DESTINATION : IPV4_SOURCE, to, &outer) ||
        !replace_address(context, hook, packet->transport + ICMP_QUOTE, received ? IPV4_SOURCE : IPV4_DESTINATION, to,
                         &sum) ||
        !replace_port(context, hook, packet, &change, &sum) || !load(context, hook, checksum, &old, 2))
        return false;
    new = ~fold((__u64)(__u16)~old + sum);
    return save(context, hook, checksum, &new, 2);
}
