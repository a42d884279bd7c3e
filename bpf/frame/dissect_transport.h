// SPDX-License-Identifier: GPL-2.0-only
// dissect, the transport layer: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792), ICMPv6 (RFC 4443), the ports of SCTP
// (RFC 9260), DCCP (RFC 4340) and UDP-Lite (RFC 3828), others by number.
// bpf/frame/dissect_ip.h calls it; it is the end of dissect.
#pragma once

#include "bpf/flow/key.h"
#include "bpf/frame/read.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

#define TCP_HEADER 20
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define SCTP_HEADER 12  // the common header
#define DCCP_HEADER 12  // the generic header with short sequence numbers
#define UDP_LITE_HEADER 8
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define ICMP4_ECHO_REPLY 0
#define ICMP4_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY 129

// What the network layer says of the transport layer: its protocol, the offset of its header, and the bytes from there
// to the end of the IP packet. The flight has all three. Here they are handed on, since each step of the dissection
// waits for the one before, and a value that has just been stored to a map takes long to come back (measured: 1 to 2 ns
// a packet).
struct transport {
    __u32 protocol;
    __u32 offset;
    __u32 length;
};

static __always_inline void set_transport(struct flight* flight, const struct transport* transport) {
    flight->flow.protocol = transport->protocol;
    flight->packet.transport = transport->offset;
    flight->packet.transport_length = transport->length;
}

// The reason of a header that is not all there. A first fragment has a reason of its own.
static __always_inline enum edgefw_reason truncated(const struct packet* packet, enum edgefw_reason reason) {
    return packet->fragment == FRAGMENT_FIRST ? EDGEFW_REASON_FRAGMENT_SHORT_FIRST : reason;
}

struct tcp_start {  // the first 16 bytes
    __be16 source;
    __be16 destination;
    __be32 sequence;
    __be32 acknowledgment;
    __u8 offset;  // data offset in the high four bits
    __u8 flags;
    __be16 window;
};

static __always_inline enum edgefw_reason dissect_tcp(CONTEXT* context, struct flight* flight,
                                                      const struct transport* transport) {
    struct packet* packet = &flight->packet;
    struct flow* flow = &flight->flow;
    struct tcp_start copy;
    const struct tcp_start* header = read(context, transport->offset, &copy, sizeof(copy));
    __u32 bytes;

    if (transport->length < TCP_HEADER || !header) return truncated(packet, EDGEFW_REASON_MALFORMED_TCP);
    bytes = (header->offset >> 4) * 4;
    if (bytes < TCP_HEADER) return EDGEFW_REASON_MALFORMED_TCP;
    if (bytes > transport->length) return truncated(packet, EDGEFW_REASON_MALFORMED_TCP);
    set_ports(flow, HOOK, transport->protocol, header->source, header->destination);
    flow->detail = header->flags;
    flow->is_syn = (header->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
    flow->opens = flow->is_syn;
    flow->tracked = true;
    packet->header_length = transport->offset + bytes;
    packet->flags = header->flags;
    packet->sequence_be = header->sequence;
    packet->acknowledgment_be = header->acknowledgment;
    packet->window_be = header->window;
    return WELL_FORMED;
}

struct udp_header {
    __be16 source;
    __be16 destination;
    __be16 length;
    __be16 checksum;
};

static __always_inline enum edgefw_reason dissect_udp(CONTEXT* context, struct flight* flight,
                                                      const struct transport* transport) {
    struct packet* packet = &flight->packet;
    struct flow* flow = &flight->flow;
    struct udp_header copy;
    const struct udp_header* header = read(context, transport->offset, &copy, sizeof(copy));
    __u32 length;

    if (transport->length < UDP_HEADER || !header) return truncated(packet, EDGEFW_REASON_MALFORMED_UDP);
    length = bpf_ntohs(header->length);
    // The length in a first fragment is that of the whole datagram.
    if (length < UDP_HEADER || (length > transport->length && packet->fragment != FRAGMENT_FIRST))
        return EDGEFW_REASON_MALFORMED_UDP;
    set_ports(flow, HOOK, transport->protocol, header->source, header->destination);
    flow->opens = true;
    flow->tracked = true;
    packet->header_length = transport->offset + UDP_HEADER;
    return WELL_FORMED;
}

struct icmp_header {
    __u8 type;
    __u8 code;
    __be16 checksum;
    __be16 id;  // of an echo
    __be16 sequence;
};

// Whether a message is an error: destination unreachable, packet too big, time exceeded, parameter problem. They quote
// a packet. (Source quench and redirects quote one, too, but no host should heed them: RFC 6633, RFC 4890 section 4.3.)
static __always_inline bool is_error(__u8 family, __u8 type) {
    return family == EDGEFW_IPV4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

static __always_inline enum edgefw_reason dissect_icmp(CONTEXT* context, struct flight* flight,
                                                       const struct transport* transport, __u8 request, __u8 reply) {
    struct packet* packet = &flight->packet;
    struct flow* flow = &flight->flow;
    struct icmp_header copy;
    const struct icmp_header* header = read(context, transport->offset, &copy, sizeof(copy));
    bool is_echo;

    if (transport->length < ICMP_HEADER || !header) return truncated(packet, EDGEFW_REASON_MALFORMED_ICMP);
    flow->detail = (__u32)header->type << 8 | header->code;
    flow->opens = header->type != reply;
    is_echo = header->type == request || header->type == reply;
    flow->tracked = is_echo;
    packet->is_error = is_error(flow->family, header->type);
    if (is_echo) set_echo(flow, HOOK, transport->protocol, header->id, header->type == request);
    return WELL_FORMED;
}

// SCTP, DCCP, UDP-Lite: their ports. Nothing else of the header is looked at: what is wrong in it, such as a length or
// a checksum, is the host's matter.
GLOBAL enum edgefw_reason dissect_ports(CONTEXT* context) {
    struct flight* flight = fetch();
    struct {
        __be16 source;
        __be16 destination;
    } ports;
    struct packet* packet;
    struct flow* flow;
    __u32 bytes;

    if (!flight) return EDGEFW_REASON_MALFORMED_TRANSPORT;
    packet = &flight->packet;
    flow = &flight->flow;
    bytes = flow->protocol == IPPROTO_SCTP   ? SCTP_HEADER
            : flow->protocol == IPPROTO_DCCP ? DCCP_HEADER
                                             : UDP_LITE_HEADER;
    if (packet->transport_length < bytes || !load(context, packet->transport, &ports, sizeof(ports)))
        return truncated(packet, EDGEFW_REASON_MALFORMED_TRANSPORT);
    set_ports(flow, HOOK, flow->protocol, ports.source, ports.destination);
    flow->opens = true;
    flow->tracked = true;
    packet->header_length = packet->transport + bytes;
    return WELL_FORMED;
}

static __always_inline enum edgefw_reason dissect_transport(CONTEXT* context, struct flight* flight,
                                                            const struct transport* transport) {
    struct flow* flow = &flight->flow;
    const __u32 protocol = transport->protocol;

    flight->packet.header_length = transport->offset;
    if (protocol == IPPROTO_TCP) return dissect_tcp(context, flight, transport);
    if (protocol == IPPROTO_UDP) return dissect_udp(context, flight, transport);
    if (protocol == IPPROTO_ICMP && flow->family == EDGEFW_IPV4)
        return dissect_icmp(context, flight, transport, ICMP4_ECHO_REQUEST, ICMP4_ECHO_REPLY);
    if (protocol == PROTOCOL_ICMPV6 && flow->family == EDGEFW_IPV6)
        return dissect_icmp(context, flight, transport, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY);
    if (is_other_with_ports(protocol)) return dissect_ports(context);
    set_key_end(flow, protocol, 0, 0);
    flow->opens = true;
    flow->tracked = true;
    return WELL_FORMED;
}
