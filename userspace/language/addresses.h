// SPDX-License-Identifier: GPL-2.0-only
// Addresses as the policy language writes them: host, prefix, first-last, $set, or a list that mixes those.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/sets.h"

namespace edgefw::policy {

// Host, prefix or range. Reports anything else, also a host name.
std::optional<AddressRange> read_address_range(const Node& node, Diagnostics& diagnostics);

// One host, of either family.
std::optional<Address> read_host(const Node& node, Diagnostics& diagnostics);

// Whether it is written like a host name, which ends in a label of letters; an IPv4 address never does.
bool is_host_name(const Node& node);

// A full host name, in lower case and without a dot at the end (RFC 1035 section 2.3).
std::optional<std::string> read_host_name(const Node& node, Diagnostics& diagnostics);

// `local:` and `remote:` of a rule. A $set must be one of `sets`. `any` alone is no restriction.
AddressMatch read_addresses(const Node& node, const SetIndex& sets, Diagnostics& diagnostics);

// Sorted, disjoint: overlapping ranges become one, neighbours stay apart (a person listed them one by one).
std::vector<AddressRange> merge(std::vector<AddressRange> ranges);

// "$name" -> "name"; nothing: no reference.
std::optional<std::string> reference(const Node& node);

// In profiles "$network.broadcast" is the last address of a variable's network. "network.broadcast" -> "network"; any
// other name stays as it is.
inline constexpr std::string_view kBroadcast = ".broadcast";
std::string variable_of(std::string_view reference);

}  // namespace edgefw::policy
