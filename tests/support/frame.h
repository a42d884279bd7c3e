// SPDX-License-Identifier: GPL-2.0-only
// Frames byte by byte: a list of layers from the outside in. What a layer leaves unsaid is right (lengths, checksums,
// the number of what follows); what it says is written as it is, right or wrong. Addresses are of the documentation
// ranges (RFC 5737, RFC 3849, RFC 7042).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace edgefw::test {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10;

struct Ethernet {
    Mac destination = {0x02, 0x00, 0x5e, 0x00, 0x53, 0x02};
    Mac source = {0x02, 0x00, 0x5e, 0x00, 0x53, 0x01};
    std::optional<std::uint16_t> type = {};
};

struct Vlan {
    std::uint16_t id = 7;
    std::uint16_t priority = 0;
    std::uint16_t protocol = 0x8100;
    std::optional<std::uint16_t> type = {};
};

struct Ipv4 {
    std::string source = "198.51.100.9";
    std::string destination = "192.0.2.20";
    std::uint8_t ttl = 64;
    Bytes options = {};  // a multiple of four bytes
    std::uint16_t id = 0x5a5a;
    std::size_t offset = 0;  // bytes, a multiple of eight
    bool more = false;       // fragments follow
    std::uint8_t version = 4;
    std::optional<std::uint8_t> header_words = {};
    std::optional<std::uint16_t> total_length = {};
    std::optional<std::uint8_t> protocol = {};
};

struct Ipv6 {
    std::string source = "2001:db8:9::9";
    std::string destination = "2001:db8:2::20";
    std::uint8_t hop_limit = 64;
    std::uint8_t version = 6;
    std::optional<std::uint16_t> payload_length = {};
    std::optional<std::uint8_t> next = {};
};

// An IPv6 extension header. `rest` is all of it but its first two bytes.
struct Extension {
    std::uint8_t kind = 60;
    Bytes rest = Bytes(6);
    std::optional<std::uint8_t> length = {};
    std::optional<std::uint8_t> next = {};
};

// RFC 8200 section 4.5. `offset` in bytes.
Extension fragment_header(std::size_t offset, bool more, std::uint32_t id = 0x5a5a5a5a);
// RFC 8200 section 4.4.
Extension routing_header(std::uint8_t segments_left, std::uint8_t type = 0);

enum class Checksum {
    kWhole,
    kPartial,  // the folded sum of the pseudo-header: the rest is left to an offload
    kZero,
};

struct Tcp {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 443;
    std::uint8_t flags = kSyn;
    Bytes options = {};  // a multiple of four bytes
    Checksum checksum = Checksum::kWhole;
    std::optional<std::uint8_t> header_words = {};
    std::optional<std::uint32_t> sequence = {};  // as packet::frame() has them: each end begins at 1
    std::optional<std::uint32_t> acknowledgment = {};
    std::uint16_t window = 65535;
};

struct Udp {
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 3478;
    Checksum checksum = Checksum::kWhole;
    std::optional<std::uint16_t> length = {};
};

// SCTP, DCCP or UDP-Lite: a header of its ports, its checksum and zeros. (SCTP's checksum is left 0. A UDP-Lite one
// covers the whole packet.)
struct Ports {
    std::uint8_t protocol = 132;
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 3478;
};

// ICMP behind an IPv4 header, ICMPv6 behind an IPv6 one.
struct Icmp {
    std::uint8_t type = 8;
    std::uint8_t code = 0;
    std::uint16_t id = 7;
    std::uint16_t sequence = 1;
};

struct Payload {
    Bytes bytes = {};
};

// `size` bytes that count up from `first`.
Payload payload(std::size_t size, std::uint8_t first = 1);

using Layer = std::variant<Ethernet, Vlan, Ipv4, Ipv6, Extension, Tcp, Udp, Ports, Icmp, Payload>;

Bytes frame_of(const std::vector<Layer>& layers);

template <typename... Layers>
Bytes frame(const Layers&... layers) {
    return frame_of({Layer(layers)...});
}

// The first `size` bytes.
Bytes truncated(const Bytes& frame, std::size_t size);
// With zero bytes behind the packet, as a card pads short frames.
Bytes padded(const Bytes& frame, std::size_t size);
// An untagged IPv4 frame cut into fragments of at most `size` (a multiple of eight) bytes of payload, as a router does.
std::vector<Bytes> fragments_of(const Bytes& frame, std::size_t size);

}  // namespace edgefw::test
