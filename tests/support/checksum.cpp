// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/checksum.h"

#include <netinet/in.h>

#include "userspace/base/address.h"

namespace edgefw::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kNetwork = 14, kTransport = 34;

std::uint16_t get16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}

Bytes part(const Bytes& bytes, std::size_t from, std::size_t size) {
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(from);
    return {start, start + static_cast<std::ptrdiff_t>(size)};
}

// One end: the address at `address`, and the port at `port` where there is one.
std::string end_text(const Bytes& frame, std::size_t address, std::size_t port, bool ports) {
    const std::string text = Address::from_bytes(Family::kIpv4, frame.data() + address).to_text();
    return ports ? text + ":" + std::to_string(get16(frame, port)) : text;
}

}  // namespace

std::uint64_t sum_of(const Bytes& bytes, std::uint64_t start) {
    for (std::size_t i = 0; i < bytes.size(); i++)
        start += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8 : bytes[i];
    return start;
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

std::uint32_t pseudo_header_sum(const Bytes& ends, std::uint8_t protocol, std::size_t length) {
    return static_cast<std::uint32_t>(sum_of(ends) + protocol + length);
}

Wire read_wire(const Bytes& frame) {
    Wire wire;
    const bool later = (get16(frame, kNetwork + 6) & 0x1fff) != 0;
    wire.ends = end_text(frame, kNetwork + 12, kTransport, !later) + " > " +
                end_text(frame, kNetwork + 16, kTransport + 2, !later);
    wire.ip_checksum_right = fold(sum_of(part(frame, kNetwork, 20))) == 0xffff;
    if (later) return wire;
    const std::uint8_t protocol = frame[kNetwork + 9];
    const std::size_t at = protocol == IPPROTO_TCP ? 16 : 6;
    Bytes segment = part(frame, kTransport, get16(frame, kNetwork + 2) - std::size_t{20});
    wire.checksum = get16(segment, at);
    segment[at] = segment[at + 1] = 0;
    const std::uint32_t pseudo = pseudo_header_sum(part(frame, kNetwork + 12, 8), protocol, segment.size());
    wire.partial = fold(pseudo);
    wire.whole = static_cast<std::uint16_t>(~fold(sum_of(segment, pseudo)));
    if (wire.whole == 0 && (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)) wire.whole = 0xffff;
    return wire;
}

}  // namespace edgefw::test
