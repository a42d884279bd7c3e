// SPDX-License-Identifier: GPL-2.0-only
// Frames as a well-behaved host would send them: no options, no payload, every checksum right.
#include <netinet/in.h>

#include <algorithm>
#include <span>

#include "userspace/packet/notation.h"
#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::packet {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kTagBytes = 4;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kShortestFrame = 60;  // IEEE 802.3, without FCS

// Destination and source: locally administered, so that no card in the world has them.
constexpr std::uint8_t kAddresses[] = {0x02, 0, 0x5e, 0, 0x53, 2, 0x02, 0, 0x5e, 0, 0x53, 1};

using Bytes = std::span<std::uint8_t>;

void put16(Bytes at, std::uint16_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

std::uint16_t get16(std::span<const std::uint8_t> at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

// The one's complement sum of RFC 1071, not yet folded. Every header here is of even length.
std::uint32_t sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0) {
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        start += get16(bytes.subspan(i));
    return start;
}

std::uint16_t checksum(std::uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

bool is_ipv4(const Packet& packet) {
    return packet.source.family == Family::kIpv4;
}

std::size_t transport_bytes(const Packet& packet) {
    switch (packet.protocol) {
        case IPPROTO_TCP:
            return 20;
        case IPPROTO_SCTP:
        case IPPROTO_DCCP:
            return 12;
        default:
            return 8;
    }
}

std::size_t network_offset(const Packet& packet) {
    return kEthernetBytes + (packet.vlan ? kTagBytes : 0);
}

std::size_t transport_offset(const Packet& packet) {
    return network_offset(packet) + (is_ipv4(packet) ? kIpv4Bytes : kIpv6Bytes);
}

// What makes the built-in rules for neighbour discovery, MLD and IGMP hold: they never cross a router.
std::uint8_t hop_limit(const Packet& packet) {
    if (is_ipv4(packet)) return packet.protocol == IPPROTO_IGMP ? 1 : 64;
    if (packet.protocol != IPPROTO_ICMPV6) return 64;
    const int type = packet.icmp_type;
    if (type >= 133 && type <= 137) return 255;
    return (type >= 130 && type <= 132) || type == 143 ? 1 : 64;
}

void write_ethernet(const Packet& packet, Bytes frame) {
    std::copy(std::begin(kAddresses), std::end(kAddresses), frame.begin());
    std::size_t type = 12;
    if (packet.vlan) {
        put16(frame.subspan(12), 0x8100);
        put16(frame.subspan(14), *packet.vlan);
        type += kTagBytes;
    }
    put16(frame.subspan(type), packet.ethertype.value_or(is_ipv4(packet) ? 0x0800 : 0x86dd));
}

void write_ipv4(const Packet& packet, Bytes header) {
    header[0] = 0x45;
    put16(header.subspan(2), static_cast<std::uint16_t>(kIpv4Bytes + transport_bytes(packet)));
    put16(header.subspan(6), 0x4000);  // don't fragment: then the identification may be 0 (RFC 6864)
    header[8] = hop_limit(packet);
    header[9] = packet.protocol;
    const auto source = packet.source.bytes();
    const auto destination = packet.destination.bytes();
    std::copy_n(source.begin(), 4, header.begin() + 12);
    std::copy_n(destination.begin(), 4, header.begin() + 16);
    put16(header.subspan(10), checksum(sum(header.first(kIpv4Bytes))));
}

void write_ipv6(const Packet& packet, Bytes header) {
    header[0] = 0x60;
    put16(header.subspan(4), static_cast<std::uint16_t>(transport_bytes(packet)));
    header[6] = packet.protocol;
    header[7] = hop_limit(packet);
    const auto source = packet.source.bytes();
    const auto destination = packet.destination.bytes();
    std::copy(source.begin(), source.end(), header.begin() + 8);
    std::copy(destination.begin(), destination.end(), header.begin() + 24);
}

// Sum of the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1).
std::uint32_t pseudo_header(const Packet& packet, std::size_t length) {
    const auto source = packet.source.bytes();  // of IPv4 four, the others are zero
    const auto destination = packet.destination.bytes();
    const std::uint32_t addresses = sum(destination, sum(source));
    return addresses + packet.protocol + static_cast<std::uint32_t>(length);
}

// The numbers are those of a handshake and of what follows it, without a byte of data: each end begins at 1.
void write_tcp(const Packet& packet, Bytes segment) {
    constexpr std::uint8_t kSyn = 0x02;
    constexpr std::uint8_t kAck = 0x10;
    put16(segment, packet.source_port);
    put16(segment.subspan(2), packet.destination_port);
    segment[7] = (packet.tcp_flags & kSyn) != 0 ? 1 : 2;   // sequence number
    segment[11] = (packet.tcp_flags & kAck) != 0 ? 2 : 0;  // acknowledgment number
    segment[12] = 0x50;                                    // five words: no options
    segment[13] = packet.tcp_flags;
    put16(segment.subspan(14), 65535);  // window
    put16(segment.subspan(16), checksum(sum(segment, pseudo_header(packet, segment.size()))));
}

void write_udp(const Packet& packet, Bytes datagram) {
    put16(datagram, packet.source_port);
    put16(datagram.subspan(2), packet.destination_port);
    put16(datagram.subspan(4), static_cast<std::uint16_t>(datagram.size()));
    const std::uint16_t value = checksum(sum(datagram, pseudo_header(packet, datagram.size())));
    put16(datagram.subspan(6), value == 0 ? 0xffff : value);  // 0 means "none" (RFC 768)
}

// A common header without a chunk (RFC 9260 section 3.1). Its checksum is CRC32c, least significant byte first.
void write_sctp(const Packet& packet, Bytes header) {
    constexpr std::uint32_t kPolynomial = 0x82f63b78;  // of RFC 9260 appendix A, its bits reversed
    put16(header, packet.source_port);
    put16(header.subspan(2), packet.destination_port);
    header[7] = 1;  // verification tag
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : header) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
    }
    for (std::size_t i = 0; i < 4; ++i)
        header[8 + i] = static_cast<std::uint8_t>(~crc >> (8 * i));
}

// A DCCP-Data packet without data, with a short sequence number (RFC 4340 section 5.1).
void write_dccp(const Packet& packet, Bytes header) {
    constexpr std::uint8_t kData = 2;
    put16(header, packet.source_port);
    put16(header.subspan(2), packet.destination_port);
    header[4] = 3;           // words of the header
    header[8] = kData << 1;  // type, and X = 0
    header[11] = 1;          // sequence number
    put16(header.subspan(6), checksum(sum(header, pseudo_header(packet, header.size()))));
}

// The checksum covers the header alone (RFC 3828 section 3.1), which is all there is.
void write_udp_lite(const Packet& packet, Bytes datagram) {
    put16(datagram, packet.source_port);
    put16(datagram.subspan(2), packet.destination_port);
    put16(datagram.subspan(4), static_cast<std::uint16_t>(datagram.size()));
    const std::uint16_t value = checksum(sum(datagram, pseudo_header(packet, datagram.size())));
    put16(datagram.subspan(6), value == 0 ? 0xffff : value);
}

void write_icmp(const Packet& packet, Bytes message) {
    message[0] = packet.icmp_type;
    message[1] = packet.icmp_code;
    put16(message.subspan(4), packet.icmp_id);
    const std::uint32_t start = is_ipv4(packet) ? 0 : pseudo_header(packet, message.size());
    put16(message.subspan(2), checksum(sum(message, start)));
}

void write_transport(const Packet& packet, Bytes payload) {
    if (packet.protocol == IPPROTO_TCP) {
        write_tcp(packet, payload);
    } else if (packet.protocol == IPPROTO_UDP) {
        write_udp(packet, payload);
    } else if (packet.protocol == IPPROTO_SCTP) {
        write_sctp(packet, payload);
    } else if (packet.protocol == IPPROTO_DCCP) {
        write_dccp(packet, payload);
    } else if (packet.protocol == IPPROTO_UDPLITE) {
        write_udp_lite(packet, payload);
    } else if (is_icmp(packet.protocol, packet.source.family)) {
        write_icmp(packet, payload);
    }  // any other protocol: eight zero bytes
}

// Not IP: a payload of zero bytes.
std::vector<std::uint8_t> link_frame(const Packet& packet) {
    std::vector<std::uint8_t> bytes(kShortestFrame);
    write_ethernet(packet, Bytes(bytes));
    return bytes;
}

}  // namespace

std::vector<std::uint8_t> frame(const Packet& packet) {
    if (packet.ethertype) return link_frame(packet);
    const std::size_t transport = transport_offset(packet);
    const std::size_t length = transport + transport_bytes(packet);
    std::vector<std::uint8_t> bytes(std::max(length, kShortestFrame));
    const Bytes all(bytes);
    write_ethernet(packet, all);
    const Bytes network = all.subspan(network_offset(packet));
    is_ipv4(packet) ? write_ipv4(packet, network) : write_ipv6(packet, network);
    write_transport(packet, all.subspan(transport, transport_bytes(packet)));
    return bytes;
}

Packet with_ends_of(const Packet& packet, const std::vector<std::uint8_t>& frame) {
    const std::size_t network = network_offset(packet);
    const std::size_t transport = transport_offset(packet);
    if (frame.size() < transport + transport_bytes(packet)) return packet;
    const std::size_t address_bytes = is_ipv4(packet) ? 4 : 16;
    const std::uint8_t* addresses = frame.data() + network + (is_ipv4(packet) ? 12 : 8);
    Packet left = packet;
    left.source = Address::from_bytes(packet.source.family, addresses);
    left.destination = Address::from_bytes(packet.source.family, addresses + address_bytes);
    if (policy::has_ports(packet.protocol)) {
        left.source_port = get16(std::span(frame).subspan(transport));
        left.destination_port = get16(std::span(frame).subspan(transport + 2));
    }
    if (packet.protocol == IPPROTO_ICMP) left.icmp_id = get16(std::span(frame).subspan(transport + 4));
    return left;
}

Packet with_local_end(const Packet& packet, const Address& address, std::uint16_t port) {
    const bool received = packet.hook() == EDGEFW_RECEIVED;
    Packet changed = packet;
    (received ? changed.destination : changed.source) = address;
    if (port == 0) return changed;
    if (policy::has_ports(packet.protocol))
        (received ? changed.destination_port : changed.source_port) = port;
    else if (packet.protocol == IPPROTO_ICMP)
        changed.icmp_id = port;
    return changed;
}

}  // namespace edgefw::packet
