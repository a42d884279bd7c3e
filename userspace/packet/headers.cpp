// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/headers.h"

#include <netinet/in.h>

#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::packet {
namespace {

constexpr std::size_t kEthernet = 14, kTag = 4, kIpv4 = 20, kIpv6 = 40;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeIpv6 = 0x86dd, kTypeVlan = 0x8100, kTypeQinq = 0x88a8;

class Reader {
public:
    explicit Reader(const std::vector<std::uint8_t>& frame) : frame_(frame) {}

    bool reaches(std::size_t at, std::size_t size) const { return at <= frame_.size() && size <= frame_.size() - at; }
    // 0 where the frame ends before.
    std::uint8_t byte(std::size_t at) const { return reaches(at, 1) ? frame_[at] : 0; }
    std::uint16_t word(std::size_t at) const {
        return reaches(at, 2) ? static_cast<std::uint16_t>(frame_[at] << 8 | frame_[at + 1]) : 0;
    }
    Address address(Family family, std::size_t at) const { return Address::from_bytes(family, frame_.data() + at); }

private:
    const std::vector<std::uint8_t>& frame_;
};

// `at`: where the header behind the IP header begins.
void read_transport(const Reader& reader, std::size_t at, Headers& headers) {
    constexpr std::size_t kFlags = 13, kIcmp = 8;
    const std::uint8_t protocol = *headers.protocol;
    if (policy::has_ports(protocol) && reader.reaches(at, 4)) {
        headers.source_port = reader.word(at);
        headers.destination_port = reader.word(at + 2);
    }
    if (protocol == IPPROTO_TCP && reader.reaches(at + kFlags, 1)) headers.tcp_flags = reader.byte(at + kFlags);
    if (is_icmp(protocol, headers.source->family) && reader.reaches(at, kIcmp))
        headers.icmp = IcmpHeader{reader.byte(at), reader.byte(at + 1), reader.word(at + 4)};
}

void read_ipv4(const Reader& reader, std::size_t at, Headers& headers) {
    constexpr std::uint16_t kOffset = 0x1fff;
    if (!reader.reaches(at, kIpv4) || reader.byte(at) >> 4 != 4) return;
    headers.length = at + reader.word(at + 2);
    headers.protocol = reader.byte(at + 9);
    headers.source = reader.address(Family::kIpv4, at + 12);
    headers.destination = reader.address(Family::kIpv4, at + 16);
    headers.is_later_fragment = (reader.word(at + 6) & kOffset) != 0;
    if (!headers.is_later_fragment) read_transport(reader, at + (reader.byte(at) & 0xfu) * 4u, headers);
}

// The protocol behind the extension headers, as far as the frame reaches.
void read_ipv6(const Reader& reader, std::size_t at, Headers& headers) {
    constexpr int kMostExtensions = 8;
    constexpr std::uint16_t kOffset = 0xfff8;
    if (!reader.reaches(at, kIpv6) || reader.byte(at) >> 4 != 6) return;
    headers.length = at + kIpv6 + reader.word(at + 4);
    headers.source = reader.address(Family::kIpv6, at + 8);
    headers.destination = reader.address(Family::kIpv6, at + 24);
    std::uint8_t next = reader.byte(at + 6);
    std::size_t place = at + kIpv6;
    for (int i = 0; i < kMostExtensions; ++i) {
        const bool is_fragment = next == IPPROTO_FRAGMENT;
        if (!is_fragment && next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) break;
        if (!reader.reaches(place, 8)) break;
        if (is_fragment) headers.is_later_fragment = (reader.word(place + 2) & kOffset) != 0;
        next = reader.byte(place);
        place += is_fragment ? 8 : (reader.byte(place + 1) + 1u) * 8u;
        if (headers.is_later_fragment) break;
    }
    headers.protocol = next;
    if (!headers.is_later_fragment) read_transport(reader, place, headers);
}

}  // namespace

Headers headers_of(const std::vector<std::uint8_t>& frame, bool has_link) {
    const Reader reader(frame);
    Headers headers;
    std::size_t at = 0;
    if (has_link) {
        at = kEthernet;
        headers.ethertype = reader.word(at - 2);
        for (int tag = 0; tag < 2 && (headers.ethertype == kTypeVlan || headers.ethertype == kTypeQinq); ++tag) {
            constexpr std::uint16_t kId = 0xfff;
            if (!headers.vlan && reader.reaches(at, 2)) headers.vlan = reader.word(at) & kId;
            at += kTag;
            headers.ethertype = reader.word(at - 2);
        }
    } else if (!frame.empty()) {
        headers.ethertype = reader.byte(0) >> 4 == 6 ? kTypeIpv6 : kTypeIpv4;
    }
    if (headers.ethertype == kTypeIpv4) read_ipv4(reader, at, headers);
    if (headers.ethertype == kTypeIpv6) read_ipv6(reader, at, headers);
    return headers;
}

}  // namespace edgefw::packet
