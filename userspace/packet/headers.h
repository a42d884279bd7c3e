// SPDX-License-Identifier: GPL-2.0-only
// What the first bytes of a frame say: whose packet it is, as far as they reach.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "userspace/base/address.h"

namespace edgefw::packet {

struct IcmpHeader {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint16_t id = 0;  // of an echo
};

struct Headers {
    std::optional<std::uint16_t> vlan = {};  // id of the outermost tag
    std::uint16_t ethertype = 0;             // behind the tags; 0: the frame ends before
    // Of IP packets; nothing where the frame ends before, or the header is not one.
    std::optional<std::uint8_t> protocol = {};
    std::optional<Address> source = {};
    std::optional<Address> destination = {};
    bool is_later_fragment = false;
    // Of a whole packet or first fragment of a protocol that has them.
    std::optional<std::uint16_t> source_port = {};
    std::optional<std::uint16_t> destination_port = {};
    std::optional<std::uint8_t> tcp_flags = {};
    std::optional<IcmpHeader> icmp = {};
    std::size_t length = 0;  // bytes of the frame by its IP header; 0: it says none
};

// `has_link`: the frame begins with an Ethernet header, else with its IP header.
Headers headers_of(const std::vector<std::uint8_t>& frame, bool has_link);

}  // namespace edgefw::packet
