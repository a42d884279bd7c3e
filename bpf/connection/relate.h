// SPDX-License-Identifier: GPL-2.0-only
// relate: an ICMP or ICMPv6 error -> the connection of the packet that it quotes (RFC 792, RFC 4443 section 3).
//
//   takes    the context and the flight of an error
//   gives    enum relation; for a related error also flight->rule, ->other (the quoted flow) and ->translation
//   before   track_first() (bpf/connection/track.h), which knows no errors
//   after    decide (bpf/decide.h), then translate by write_error(), below
//
// The quoted packet went the other way. The error is translated with its connection, outside and inside.
#pragma once

#include "bpf/connection/track.h"
#include "bpf/nat/write.h"

#define ICMP_QUOTE 8        // bytes before the quoted packet
#define QUOTED_TRANSPORT 8  // bytes of its transport header that every error quotes

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

// The quoted packet went the other way. Where the error was received, the source of the quoted packet is the local end.

// Sets the addresses of the quoted flow and finds its transport header. False: the header is not there.
static __always_inline bool read_quoted_ipv4(CONTEXT* context, struct packet* packet, struct flow* quoted) {
    struct quoted_ipv4 ip;
    const __u32 at = packet->transport + ICMP_QUOTE;

    if (!load(context, at, &ip, sizeof(ip)) || ip.version_length >> 4 != 4) return false;
    if (ip.fragment & bpf_htons(IPV4_OFFSET_MASK)) return false;  // a later fragment says nothing of its ports
    quoted->protocol = ip.protocol;
    packet->quoted_transport = at + (ip.version_length & 15) * 4;
    set_addresses4(quoted, OTHER(HOOK), ip.source, ip.destination);
    return (ip.version_length & 15) >= 5;
}

static __always_inline bool read_quoted_ipv6(CONTEXT* context, struct packet* packet, struct flow* quoted) {
    struct quoted_ipv6 ip;
    __u32 at = packet->transport + ICMP_QUOTE;
    __u8 next;

    if (!load(context, at, &ip, sizeof(ip)) || (ip.version & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
        return false;
    next = ip.next;
    at += IPV6_HEADER;
    // There are as many steps as walk_extensions() takes: a packet that has passed is found again when it is quoted.
#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_EXTENSION_HEADERS; i++) {
        struct extension extension;

        if (!is_extension(next)) break;
        if (!load(context, at, &extension, sizeof(extension))) return false;
        // A later fragment says nothing of its ports. The offset is in bytes 2 and 3.
        if (next == EXTENSION_FRAGMENT && (extension.type != 0 || extension.remaining & 0xf8)) return false;
        at += extension_bytes(next, extension.length);
        next = extension.next;
    }
    quoted->protocol = next;
    packet->quoted_transport = at;
    set_addresses6(quoted, OTHER(HOOK), ip.source, ip.destination);
    return true;
}

// Makes flight->other the flow of the quoted packet. False: the error quotes no packet that may have a connection.
GLOBAL bool read_quoted(CONTEXT* context) {
    struct flight* flight = fetch();
    struct packet* packet;
    struct flow* quoted;
    bool is_ipv4;
    union {
        struct {
            __be16 source;
            __be16 destination;
            __be32 sequence;
        };
        struct icmp_header icmp;
    } start;

    if (!flight) return false;
    packet = &flight->packet;
    quoted = &flight->other;
    is_ipv4 = flight->flow.family == EDGEFW_IPV4;
    *quoted = (struct flow){.family = flight->flow.family, .vlan = flight->flow.vlan, .tracked = true};
    if (!(is_ipv4 ? read_quoted_ipv4(context, packet, quoted) : read_quoted_ipv6(context, packet, quoted)))
        return false;
    if (!load(context, packet->quoted_transport, &start, QUOTED_TRANSPORT)) return false;
    if (quoted->protocol == IPPROTO_TCP || quoted->protocol == IPPROTO_UDP || is_other_with_ports(quoted->protocol)) {
        set_ports(quoted, OTHER(HOOK), quoted->protocol, start.source, start.destination);
        packet->quoted_sequence_be = start.sequence;
        return true;
    }
    if (quoted->protocol == IPPROTO_ICMP || quoted->protocol == PROTOCOL_ICMPV6) {
        const __u8 request = is_ipv4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
        const __u8 reply = is_ipv4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;

        if (start.icmp.type != request && start.icmp.type != reply) return false;
        set_echo(quoted, OTHER(HOOK), quoted->protocol, start.icmp.id, start.icmp.type == request);
        return true;
    }
    set_key_end(quoted, quoted->protocol, 0, 0);
    return true;
}

// Whether the error goes to the sender of the packet that it quotes.
static __always_inline bool goes_to_sender(const struct flow* error, const struct flow* quoted) {
    if (error->family == EDGEFW_IPV4)
        return HOOK == EDGEFW_RECEIVED ? quoted->key4.local == error->key4.local
                                       : quoted->key4.remote == error->key4.remote;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (HOOK == EDGEFW_RECEIVED ? quoted->key6.local[i] != error->key6.local[i]
                                    : quoted->key6.remote[i] != error->key6.remote[i])
            return false;
    }
    return true;
}

// Whether a TCP error quotes data that are on their way, or were so a window ago (RFC 5927 section 4.1). `from` sent
// the quoted packet.
static __always_inline bool quotes_what_was_sent(const struct flight* flight, struct found found) {
    const struct edgefw_end* from = &found.connection->end[OTHER(HOOK)];
    const struct edgefw_end* to = &found.connection->end[HOOK];
    const __u32 quoted = bpf_ntohl(flight->packet.quoted_sequence_be);

    const __u32 ahead = began_in_midstream(found.connection) ? WIDEST_WINDOW : 0;  // `next` follows the acknowledgments

    if (flight->other.protocol != IPPROTO_TCP || found.half_open) return true;
    return !is_after(quoted, from->next + ahead) && (__s32)(to->acknowledged - quoted) <= (__s32)to->window;
}

enum relation {
    UNRELATED,        // the error belongs to no live connection
    RELATED,          // it belongs to that of flight->other: it passes, counts for its rule, and is translated with it
    RELATED_REVOKED,  // that connection was opened under an older policy, and this one would not open it
};

// Finds the connection of the quoted packet. An error keeps no connection alive.
GLOBAL enum relation relate(CONTEXT* context) {
    struct flight* flight = fetch();
    struct found found = {NULL, false};

    if (!flight) return UNRELATED;
    if (read_quoted(context) && goes_to_sender(&flight->flow, &flight->other)) {
        if (HOOK == EDGEFW_RECEIVED && config.translates) translate_destination(&flight->other, &flight->translation);
        found = live(&flight->other, &flight->translation, false);
    }
    if (!found.connection || !quotes_what_was_sent(flight, found)) {
        flight->translation = (struct translation){};
        return UNRELATED;
    }
    if (is_of_older_policy(found.connection) &&
        !judge_again(flight, &flight->other, found.connection, found.half_open)) {
        revoke(&flight->other, found.connection, found.half_open);
        return RELATED_REVOKED;
    }
    go_with(flight, found.connection);
    return RELATED;
}

// Replaces an address in an IP header, and the header's checksum. Adds to `*sum` what that changes in a sum over both.
static __always_inline bool replace_address(CONTEXT* context, __u32 header, __u32 at, __be32 to, __u64* sum) {
    struct rewrite change = {.to = to};
    __u16 old, new;

    if (!load(context, header + at, &change.from, sizeof(to)) ||
        !load(context, header + IPV4_CHECKSUM, &old, sizeof(old)))
        return false;
    new = new_ip_checksum(old, &change);
    *sum += address_change(change.from, to) + port_change(old, new);
    return save(context, header + at, &to, sizeof(to)) && save(context, header + IPV4_CHECKSUM, &new, sizeof(new));
}

// Replaces the port or the echo's identifier in the quoted transport header, and its checksum where that is quoted.
static __always_inline bool replace_port(CONTEXT* context, const struct flight* flight, const struct rewrite* change,
                                         __u64* sum) {
    const struct packet* packet = &flight->packet;
    const __u8 protocol = flight->other.protocol;
    const bool echo = protocol == IPPROTO_ICMP;
    const __u32 at = packet->quoted_transport + (echo ? ICMP_ID : port_offset(OTHER(HOOK)));
    const __u32 checksum = packet->quoted_transport + (echo ? ICMP_CHECKSUM : checksum_offset(protocol));
    __u16 old, new;

    if (!echo && !covers_addresses(protocol)) return true;
    if (change->from_port != change->to_port) {
        if (!save(context, at, &change->to_port, sizeof(change->to_port))) return false;
        *sum += port_change(change->from_port, change->to_port);
    }
    if (checksum + CHECKSUM_BYTES > packet->transport + packet->transport_length ||
        !load(context, checksum, &old, sizeof(old)))
        return true;
    if (echo)
        new = ~fold((__u64)(__u16)~old + port_change(change->from_port, change->to_port));
    else
        new = new_checksum(protocol, change, old, false);
    *sum += port_change(old, new);
    return save(context, checksum, &new, sizeof(new));
}

// Writes the translation of an error: its own local end, and that of the quoted packet with its checksums. The ICMP
// checksum covers all that is quoted. An error that a router on the inside sends leaves with the public address as its
// source.
GLOBAL int write_error(CONTEXT* context) {
    const struct flight* flight = fetch();
    struct rewrite change;
    __u64 sum = 0, outer = 0;
    __u32 transport;
    __u16 old, new;

    if (!flight) return false;
    change = rewrite_of(&flight->other, &flight->translation);
    transport = flight->packet.transport;
    if (!replace_address(context, flight->packet.network, address_offset(HOOK), change.to, &outer) ||
        !replace_address(context, transport + ICMP_QUOTE, address_offset(OTHER(HOOK)), change.to, &sum) ||
        !replace_port(context, flight, &change, &sum) || !load(context, transport + ICMP_CHECKSUM, &old, sizeof(old)))
        return false;
    new = ~fold((__u64)(__u16)~old + sum);
    return save(context, transport + ICMP_CHECKSUM, &new, sizeof(new));
}
