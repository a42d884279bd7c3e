// SPDX-License-Identifier: GPL-2.0-only
// Names of the frames that are neither IPv4 nor IPv6 (IEEE "EtherType" registry, IANA "IEEE 802 Numbers").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::policy {

// A name, a decimal number, or one in hexadecimal after 0x. "802.3" is all frames that have a length in place of a
// type.
std::optional<EthertypeRange> ethertype_from(std::string_view word);
// The name where there is one, else the number in hexadecimal.
std::string to_text(const EthertypeRange& range);
std::vector<std::string_view> ethertype_names();

// Why a rule cannot name it; empty: it can.
std::string_view ethertype_problem(const EthertypeRange& range);

}  // namespace edgefw::policy
