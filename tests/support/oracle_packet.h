// SPDX-License-Identifier: GPL-2.0-only
// What the oracle asks of a packet, in the words of docs/semantics.md.
#pragma once

#include <netinet/in.h>

#include "userspace/packet/notation.h"

namespace edgefw::test {

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;

inline bool has_ports(const packet::Packet& packet) {
    return packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP || packet.protocol == IPPROTO_SCTP ||
           packet.protocol == IPPROTO_DCCP || packet.protocol == IPPROTO_UDPLITE;
}

// A masquerade leaves the port of all others as it is.
inline bool gets_public_port(const packet::Packet& packet) {
    return packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP || packet.protocol == IPPROTO_ICMP;
}

inline bool is_icmp(const packet::Packet& packet) {
    return packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
}

inline bool is_echo_request(const packet::Packet& packet) {
    return is_icmp(packet) && packet.icmp_type == (packet.protocol == IPPROTO_ICMP ? 8 : 128);
}

inline bool is_echo_reply(const packet::Packet& packet) {
    return is_icmp(packet) && packet.icmp_type == (packet.protocol == IPPROTO_ICMP ? 0 : 129);
}

// About another packet: unreachable, too big, time exceeded, parameter problem. Each family has its own protocol.
inline bool is_icmp_error(const packet::Packet& packet) {
    const std::uint8_t type = packet.icmp_type;
    if (packet.protocol == IPPROTO_ICMP && packet.source.family == Family::kIpv4)
        return type == 3 || type == 11 || type == 12;
    return packet.protocol == IPPROTO_ICMPV6 && packet.source.family == Family::kIpv6 && type >= 1 && type <= 4;
}

inline bool is_opening_syn(const packet::Packet& packet) {
    return packet.protocol == IPPROTO_TCP && (packet.tcp_flags & kSyn) != 0 &&
           (packet.tcp_flags & (kAck | kRst | kFin)) == 0;
}

// 6: a packet opens when ...
inline bool opens(const packet::Packet& packet) {
    if (packet.protocol == IPPROTO_TCP) return is_opening_syn(packet);
    if (is_icmp(packet)) return is_echo_request(packet);
    return true;
}

}  // namespace edgefw::test
