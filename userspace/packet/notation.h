// SPDX-License-Identifier: GPL-2.0-only
// The packet notation (docs/policy.md#tests) and frames built from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::packet {

// SIDE DIRECTION PROTO SRC[:PORT] > DST[:PORT] [FLAGS|TYPE] [id N] [vlan N], or of a frame that is not IP
// SIDE DIRECTION ethertype TYPE [vlan N]
struct Packet {
    policy::Side side = policy::Side::kExternal;
    policy::Direction direction = policy::Direction::kInbound;
    std::uint8_t protocol = 0;
    Address source;                 // what is on the wire at that hook
    Address destination;            // same family
    std::uint16_t source_port = 0;  // TCP and UDP
    std::uint16_t destination_port = 0;
    std::uint8_t tcp_flags = 0x02;  // SYN when none is named
    std::uint8_t icmp_type = 0;     // ICMP and ICMPv6
    std::uint8_t icmp_code = 0;
    std::uint16_t icmp_id = 0;  // echo: identifier
    std::optional<std::uint16_t> vlan;
    std::optional<std::uint16_t> ethertype = {};  // of a frame that is not IP: it has none of the above but the VLAN

    edgefw_hook hook() const { return policy::hook_of(side, direction); }
    std::string to_text() const;  // canonical notation; parse(to_text()) gives the same packet
};

// "192.0.2.1:443", "[2001:db8::1]:443"; the address alone where the protocol has no ports.
std::string endpoint_text(const Address& address, std::uint16_t port, std::uint8_t protocol);

// kUsage with what is wrong and what would be right.
Result<Packet> parse(std::string_view text);

// A frame of at least 60 bytes as it is on the wire at the hook, every length and checksum right.
std::vector<std::uint8_t> frame(const Packet& packet);

// `packet` with the addresses and ports that `frame` has: what left, after the data path translated frame(packet).
Packet with_ends_of(const Packet& packet, const std::vector<std::uint8_t>& frame);

// `packet` with another local end: its destination where the card receives it, its source where it is sent. `port` is
// an echo's identifier; 0 changes none.
Packet with_local_end(const Packet& packet, const Address& address, std::uint16_t port);

}  // namespace edgefw::packet
