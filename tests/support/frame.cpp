// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/frame.h"

#include <netinet/in.h>

#include <algorithm>
#include <ranges>

#include "tests/support/checksum.h"
#include "userspace/base/address.h"

namespace edgefw::test {
namespace {

constexpr std::uint16_t kEthertypeIpv4 = 0x0800, kEthertypeIpv6 = 0x86dd, kEthertypeExperimental = 0x88b5;
constexpr std::uint8_t kProtocolExperimental = 253;  // RFC 3692
constexpr std::size_t kEthernetBytes = 14, kIpv4Bytes = 20;

// What has been built so far, from the inside out.
struct Inner {
    Bytes bytes;
    std::uint16_t ethertype = kEthertypeExperimental;  // for the layer around it, if that is a link layer
    std::uint8_t protocol = kProtocolExperimental;     // likewise, if it is IP or an extension header
    std::size_t transport = 0;                         // where the transport header lies
    std::uint8_t transport_protocol = 0;               // 0: there is none to finish
    std::optional<std::size_t> checksum_at = {};       // from the transport header on
    Checksum checksum = Checksum::kWhole;
};

void put16(Bytes& bytes, std::size_t at, std::size_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void prepend(Inner& inner, const Bytes& header) {
    inner.bytes.insert(inner.bytes.begin(), header.begin(), header.end());
    inner.transport += header.size();
}

// `size` bytes of the address.
Bytes address_bytes(const std::string& text, std::size_t size) {
    const auto bytes = Address::parse(text).value().bytes();
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

// Only now the pseudo-header is known. `ends`: source and destination address side by side.
void finish_transport(Inner& inner, const Bytes& ends) {
    if (!inner.checksum_at) return;
    const Bytes segment(inner.bytes.begin() + static_cast<std::ptrdiff_t>(inner.transport), inner.bytes.end());
    const bool icmp = inner.transport_protocol == IPPROTO_ICMP;
    const std::uint32_t pseudo = icmp ? 0 : pseudo_header_sum(ends, inner.transport_protocol, segment.size());
    std::uint16_t value = 0;
    if (inner.checksum == Checksum::kPartial) value = fold(pseudo);
    if (inner.checksum == Checksum::kWhole) {
        value = static_cast<std::uint16_t>(~fold(sum_of(segment, pseudo)));
        const bool avoids_zero = inner.transport_protocol == IPPROTO_UDP || inner.transport_protocol == IPPROTO_UDPLITE;
        if (value == 0 && avoids_zero) value = 0xffff;
    }
    put16(inner.bytes, inner.transport + *inner.checksum_at, value);
    inner.checksum_at.reset();
}

void begin_transport(Inner& inner, const Bytes& header, std::uint8_t protocol, std::size_t checksum_at) {
    prepend(inner, header);
    inner.transport = 0;
    inner.protocol = inner.transport_protocol = protocol;
    inner.checksum_at = checksum_at;
}

void wrap(Inner& inner, const Payload& payload) {
    inner.bytes.insert(inner.bytes.begin(), payload.bytes.begin(), payload.bytes.end());
}

void wrap(Inner& inner, const Tcp& tcp) {
    Bytes header(20);
    put16(header, 0, tcp.source_port);
    put16(header, 2, tcp.destination_port);
    const std::uint32_t sequence = tcp.sequence.value_or((tcp.flags & kSyn) != 0 ? 1 : 2);
    const std::uint32_t acknowledgment = tcp.acknowledgment.value_or((tcp.flags & kAck) != 0 ? 2 : 0);
    put16(header, 4, sequence >> 16);
    put16(header, 6, sequence & 0xffff);
    put16(header, 8, acknowledgment >> 16);
    put16(header, 10, acknowledgment & 0xffff);
    header[12] = static_cast<std::uint8_t>(tcp.header_words.value_or(5 + tcp.options.size() / 4) << 4);
    header[13] = tcp.flags;
    put16(header, 14, tcp.window);
    header.insert(header.end(), tcp.options.begin(), tcp.options.end());
    begin_transport(inner, header, IPPROTO_TCP, 16);
    inner.checksum = tcp.checksum;
}

void wrap(Inner& inner, const Udp& udp) {
    Bytes header(8);
    put16(header, 0, udp.source_port);
    put16(header, 2, udp.destination_port);
    put16(header, 4, udp.length.value_or(8 + inner.bytes.size()));
    begin_transport(inner, header, IPPROTO_UDP, 6);
    inner.checksum = udp.checksum;
}

void wrap(Inner& inner, const Ports& ports) {
    Bytes header(ports.protocol == IPPROTO_UDPLITE ? 8 : 12);
    put16(header, 0, ports.source_port);
    put16(header, 2, ports.destination_port);
    begin_transport(inner, header, ports.protocol, 6);
    if (ports.protocol == IPPROTO_SCTP) inner.checksum_at.reset();
}

void wrap(Inner& inner, const Icmp& icmp) {
    Bytes header = {icmp.type, icmp.code, 0, 0, 0, 0, 0, 0};
    put16(header, 4, icmp.id);
    put16(header, 6, icmp.sequence);
    begin_transport(inner, header, IPPROTO_ICMP, 2);
}

void wrap(Inner& inner, const Extension& extension) {
    const std::size_t bytes = 2 + extension.rest.size();
    const std::size_t length = extension.kind == IPPROTO_AH ? bytes / 4 - 2 : bytes / 8 - 1;
    if (inner.transport_protocol == IPPROTO_ICMP) inner.protocol = IPPROTO_ICMPV6;
    Bytes header = {extension.next.value_or(inner.protocol),
                    extension.length.value_or(static_cast<std::uint8_t>(length))};
    header.insert(header.end(), extension.rest.begin(), extension.rest.end());
    prepend(inner, header);
    inner.protocol = extension.kind;
    if (inner.transport_protocol == IPPROTO_ICMP) inner.transport_protocol = IPPROTO_ICMPV6;
}

void wrap(Inner& inner, const Ipv4& ip) {
    Bytes ends = address_bytes(ip.source, 4);
    const Bytes destination = address_bytes(ip.destination, 4);
    ends.insert(ends.end(), destination.begin(), destination.end());
    finish_transport(inner, ends);

    Bytes header(12);
    const std::size_t bytes = kIpv4Bytes + ip.options.size();
    header[0] = static_cast<std::uint8_t>(ip.version << 4 | ip.header_words.value_or(bytes / 4));
    put16(header, 2, ip.total_length.value_or(bytes + inner.bytes.size()));
    put16(header, 4, ip.id);
    put16(header, 6, ip.offset / 8 | (ip.more ? 0x2000 : 0));
    header[8] = ip.ttl;
    header[9] = ip.protocol.value_or(inner.protocol);
    header.insert(header.end(), ends.begin(), ends.end());
    header.insert(header.end(), ip.options.begin(), ip.options.end());
    put16(header, 10, static_cast<std::uint16_t>(~fold(sum_of(header))));
    prepend(inner, header);
    inner.ethertype = kEthertypeIpv4;
}

void wrap(Inner& inner, const Ipv6& ip) {
    Bytes ends = address_bytes(ip.source, 16);
    const Bytes destination = address_bytes(ip.destination, 16);
    ends.insert(ends.end(), destination.begin(), destination.end());
    if (inner.protocol == IPPROTO_ICMP) inner.protocol = IPPROTO_ICMPV6;
    if (inner.transport_protocol == IPPROTO_ICMP) inner.transport_protocol = IPPROTO_ICMPV6;
    finish_transport(inner, ends);

    Bytes header(8);
    header[0] = static_cast<std::uint8_t>(ip.version << 4);
    put16(header, 4, ip.payload_length.value_or(inner.bytes.size()));
    header[6] = ip.next.value_or(inner.protocol);
    header[7] = ip.hop_limit;
    header.insert(header.end(), ends.begin(), ends.end());
    prepend(inner, header);
    inner.ethertype = kEthertypeIpv6;
}

void wrap(Inner& inner, const Vlan& vlan) {
    Bytes tag(4);
    put16(tag, 0, static_cast<std::size_t>(vlan.priority << 13 | vlan.id));
    put16(tag, 2, vlan.type.value_or(inner.ethertype));
    prepend(inner, tag);
    inner.ethertype = vlan.protocol;
}

void wrap(Inner& inner, const Ethernet& ethernet) {
    Bytes header(ethernet.destination.begin(), ethernet.destination.end());
    header.insert(header.end(), ethernet.source.begin(), ethernet.source.end());
    header.resize(kEthernetBytes);
    put16(header, 12, ethernet.type.value_or(inner.ethertype));
    prepend(inner, header);
}

}  // namespace

Extension fragment_header(std::size_t offset, bool more, std::uint32_t id) {
    Extension header{.kind = IPPROTO_FRAGMENT};
    put16(header.rest, 0, offset | (more ? 1 : 0));
    put16(header.rest, 2, id >> 16);
    put16(header.rest, 4, id & 0xffff);
    return header;
}

Extension routing_header(std::uint8_t segments_left, std::uint8_t type) {
    return {.kind = IPPROTO_ROUTING, .rest = {type, segments_left, 0, 0, 0, 0}};
}

Payload payload(std::size_t size, std::uint8_t first) {
    Payload result{Bytes(size)};
    for (std::size_t i = 0; i < size; i++)
        result.bytes[i] = static_cast<std::uint8_t>(first + i);
    return result;
}

Bytes frame_of(const std::vector<Layer>& layers) {
    Inner inner;
    for (const Layer& layer : layers | std::views::reverse)
        std::visit([&](const auto& value) { wrap(inner, value); }, layer);
    return inner.bytes;
}

Bytes truncated(const Bytes& frame, std::size_t size) {
    return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)};
}

Bytes padded(const Bytes& frame, std::size_t size) {
    Bytes result = frame;
    result.resize(std::max(size, frame.size()));
    return result;
}

std::vector<Bytes> fragments_of(const Bytes& frame, std::size_t size) {
    const std::size_t start = kEthernetBytes + kIpv4Bytes;
    std::vector<Bytes> fragments;
    for (std::size_t at = start; at < frame.size(); at += size) {
        const std::size_t end = std::min(at + size, frame.size());
        Bytes fragment = truncated(frame, start);
        fragment.insert(fragment.end(), frame.begin() + static_cast<std::ptrdiff_t>(at),
                        frame.begin() + static_cast<std::ptrdiff_t>(end));
        put16(fragment, kEthernetBytes + 2, kIpv4Bytes + end - at);
        put16(fragment, kEthernetBytes + 6, (at - start) / 8 | (end < frame.size() ? 0x2000 : 0));
        put16(fragment, kEthernetBytes + 10, 0);
        const Bytes header(fragment.begin() + kEthernetBytes, fragment.begin() + static_cast<std::ptrdiff_t>(start));
        put16(fragment, kEthernetBytes + 10, static_cast<std::uint16_t>(~fold(sum_of(header))));
        fragments.push_back(std::move(fragment));
    }
    return fragments;
}

}  // namespace edgefw::test
