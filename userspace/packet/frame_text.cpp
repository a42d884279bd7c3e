// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/frame_text.h"

#include <netinet/in.h>

#include "userspace/packet/headers.h"
#include "userspace/packet/notation.h"
#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::packet {
namespace {

constexpr std::size_t kEthernet = 14, kTagged = 18;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeIpv6 = 0x86dd, kLeastType = 0x0600;

bool has_all_of_transport(const Headers& headers) {
    const std::uint8_t protocol = *headers.protocol;
    if (policy::has_ports(protocol) && !headers.source_port) return false;
    if (protocol == IPPROTO_TCP && !headers.tcp_flags) return false;
    return headers.icmp || !is_icmp(protocol, headers.source->family);
}

std::string ends_text(const Headers& headers) {
    const std::uint8_t protocol = *headers.protocol;
    const bool is_foreign =
        (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && !is_icmp(protocol, headers.source->family);
    return (is_foreign ? std::to_string(protocol) : policy::protocol_text(protocol)) + " " + headers.source->to_text() +
           " > " + headers.destination->to_text();
}

}  // namespace

std::string frame_text(const std::vector<std::uint8_t>& frame, policy::Side side, policy::Direction direction) {
    const Headers headers = headers_of(frame, true);
    Packet packet;
    packet.side = side;
    packet.direction = direction;
    packet.vlan = headers.vlan;
    const std::string way = std::string(policy::to_text(side)) + " " + policy::to_text(direction) + " ";
    const bool is_ip = headers.ethertype == kTypeIpv4 || headers.ethertype == kTypeIpv6;
    if (!headers.source || !headers.protocol) {
        const bool is_cut = frame.size() < (headers.vlan ? kTagged : kEthernet);
        if (is_ip || is_cut) return way + "a frame of " + std::to_string(frame.size()) + " bytes, cut off or malformed";
        packet.ethertype = headers.ethertype < kLeastType ? std::uint16_t{0} : headers.ethertype;
        return packet.to_text();
    }
    if (headers.is_later_fragment) return way + ends_text(headers) + ", a later fragment";
    if (!has_all_of_transport(headers)) return way + ends_text(headers) + ", cut off or malformed";
    packet.protocol = *headers.protocol;
    packet.source = *headers.source;
    packet.destination = *headers.destination;
    packet.source_port = headers.source_port.value_or(0);
    packet.destination_port = headers.destination_port.value_or(0);
    packet.tcp_flags = headers.tcp_flags.value_or(0);
    const IcmpHeader icmp = headers.icmp.value_or(IcmpHeader{});
    packet.icmp_type = icmp.type;
    packet.icmp_code = icmp.code;
    packet.icmp_id = icmp.id;
    return packet.to_text();
}

}  // namespace edgefw::packet
