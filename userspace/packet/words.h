// SPDX-License-Identifier: GPL-2.0-only
// The words of the notation beside addresses: protocols, TCP flags, numbers. ICMP types are in language/icmp.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "userspace/base/address.h"

namespace edgefw::packet {

// "tcp" and its like (policy::kProtocols), or a number from 0 to 255.
std::optional<std::uint8_t> protocol_from(std::string_view word);

// ICMP belongs to one family each; in the other one its number is a protocol like any.
bool is_icmp(std::uint8_t protocol, Family family);

// "syn,ack", in any order; "none".
std::optional<std::uint8_t> tcp_flags_from(std::string_view word);
std::string tcp_flags_text(std::uint8_t flags);  // in the order fin syn rst psh ack urg ece cwr

// A decimal number without sign, at most `highest`.
std::optional<std::uint32_t> number_from(std::string_view word, std::uint32_t highest);

}  // namespace edgefw::packet
