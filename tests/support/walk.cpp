// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/walk.h"

#include <netinet/in.h>

#include <algorithm>

#include "userspace/policy/words.h"

namespace edgefw::test {
namespace {

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;

std::uint32_t class_of(const image::Image& image, const Address& address) {
    std::uint32_t number = 0;
    int longest = -1;
    for (const image::ClassPrefix& entry : image.classes[static_cast<int>(address.family)]) {
        if (entry.prefix.length <= longest) continue;
        if (!AddressRange::of(entry.prefix).contains(address)) continue;
        longest = entry.prefix.length;
        number = entry.number;
    }
    return number;
}

bool is_icmp(const packet::Packet& packet) {
    return packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
}

bool is_echo_reply(const packet::Packet& packet) {
    return packet.icmp_type == (packet.protocol == IPPROTO_ICMP ? 0 : 129);
}

std::uint32_t detail_of(const packet::Packet& packet) {
    if (packet.protocol == IPPROTO_TCP) return packet.tcp_flags;
    if (is_icmp(packet)) return std::uint32_t{packet.icmp_type} << 8 | packet.icmp_code;
    return 0;
}

bool opens(const packet::Packet& packet) {
    if (packet.protocol == IPPROTO_TCP) return (packet.tcp_flags & (kSyn | kAck | kRst | kFin)) == kSyn;
    return !is_icmp(packet) || !is_echo_reply(packet);
}

}  // namespace

Fields fields_of(const image::Image& image, const packet::Packet& packet) {
    const bool received = packet.hook() == EDGEFW_RECEIVED;
    const Address& local = received ? packet.destination : packet.source;
    const Address& remote = received ? packet.source : packet.destination;
    const bool ports = policy::has_ports(packet.protocol);

    Fields fields{};
    const auto local_words = local.words();
    const auto remote_words = remote.words();
    for (unsigned word = 0; word < 4; ++word) {
        fields[EDGEFW_FIELD_LOCAL + word] = local_words[word];
        fields[EDGEFW_FIELD_REMOTE + word] = remote_words[word];
    }
    if (ports) {
        fields[EDGEFW_FIELD_LOCAL_PORT] = received ? packet.destination_port : packet.source_port;
        fields[EDGEFW_FIELD_REMOTE_PORT] = received ? packet.source_port : packet.destination_port;
    }
    fields[EDGEFW_FIELD_PROTOCOL] = packet.protocol;
    fields[EDGEFW_FIELD_DETAIL] = detail_of(packet);
    fields[EDGEFW_FIELD_VLAN] = packet.vlan.value_or(0);
    fields[EDGEFW_FIELD_LOCAL_CLASS] = class_of(image, local);
    fields[EDGEFW_FIELD_REMOTE_CLASS] = class_of(image, remote);
    fields[EDGEFW_FIELD_OPENS] = opens(packet) ? 1 : 0;
    return fields;
}

Walk walk(const image::Image& image, const packet::Packet& packet) {
    const edgefw_config& config = image.config[static_cast<int>(packet.side)];
    const auto family = static_cast<int>(packet.source.family);
    return image::walk(image.nodes, image.insns, config.forest[packet.hook()][family], fields_of(image, packet));
}

}  // namespace edgefw::test
