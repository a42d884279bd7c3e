// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/story_frame.h"

#include <netinet/in.h>

#include "userspace/policy/words.h"

namespace edgefw::test {

using packet::Packet;

Bytes frame_of_sample(const Sample& sample) {
    const Packet& packet = sample.packet;
    const bool whole = sample.fragment == Sample::Fragment::kNone;
    if (whole && packet.protocol != IPPROTO_TCP) return packet::frame(packet);
    std::vector<Layer> layers = {Ethernet{}};
    if (packet.vlan) layers.emplace_back(Vlan{.id = *packet.vlan});
    const bool later = sample.fragment == Sample::Fragment::kLater;
    const bool ipv4 = packet.source.family == Family::kIpv4;
    if (whole && ipv4) {
        layers.emplace_back(Ipv4{.source = packet.source.to_text(), .destination = packet.destination.to_text()});
    } else if (whole) {
        layers.emplace_back(Ipv6{.source = packet.source.to_text(), .destination = packet.destination.to_text()});
    } else if (ipv4) {
        layers.emplace_back(Ipv4{.source = packet.source.to_text(),
                                 .destination = packet.destination.to_text(),
                                 .id = static_cast<std::uint16_t>(sample.fragment_id),
                                 .offset = later ? std::size_t{64} : 0,
                                 .more = !later,
                                 .protocol = packet.protocol});
    } else {
        layers.emplace_back(Ipv6{.source = packet.source.to_text(), .destination = packet.destination.to_text()});
        Extension header = fragment_header(later ? 64 : 0, !later, sample.fragment_id);
        header.next = packet.protocol;
        layers.emplace_back(header);
    }
    const std::uint8_t icmp = ipv4 ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6};
    if (!later && packet.protocol == IPPROTO_TCP)
        layers.emplace_back(Tcp{.source_port = packet.source_port,
                                .destination_port = packet.destination_port,
                                .flags = packet.tcp_flags,
                                .sequence = sample.sequence(),
                                .acknowledgment = sample.acknowledgment()});
    if (!later && packet.protocol == IPPROTO_UDP)
        layers.emplace_back(Udp{packet.source_port, packet.destination_port, Checksum::kWhole, 600});
    const bool other_ports =
        policy::has_ports(packet.protocol) && packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP;
    if (!later && other_ports) layers.emplace_back(Ports{packet.protocol, packet.source_port, packet.destination_port});
    if (!later && packet.protocol == icmp)
        layers.emplace_back(Icmp{packet.icmp_type, packet.icmp_code, packet.icmp_id});
    // A first fragment ends at a multiple of 8: the header of SCTP and DCCP has 12.
    const std::size_t rest = other_ports && packet.protocol != IPPROTO_UDPLITE && !later ? 20 : 16;
    layers.emplace_back(payload(packet.protocol == IPPROTO_TCP && !later ? sample.payload : rest));
    return frame_of(layers);
}

}  // namespace edgefw::test
