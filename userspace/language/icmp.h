// SPDX-License-Identifier: GPL-2.0-only
// Names of ICMP and ICMPv6 types (IANA "ICMP Type Numbers", "ICMPv6 type Numbers").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace edgefw::policy {

// `protocol` is IPPROTO_ICMP or IPPROTO_ICMPV6.
std::optional<std::uint8_t> icmp_type(std::uint8_t protocol, std::string_view name);
// Empty: the type has no name here.
std::string_view icmp_name(std::uint8_t protocol, std::uint8_t type);
std::vector<std::string_view> icmp_names(std::uint8_t protocol);

}  // namespace edgefw::policy
