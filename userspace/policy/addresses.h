// Addresses as the policy language writes them: host, prefix, first-last, $set, or a list that mixes those.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/policy/diagnostics.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/syntax.h"

namespace edgefw::policy {

// Host, prefix or range. Reports anything else (also a name: names follow in a later release).
std::optional<AddressRange> read_address_range(const Node& node, Diagnostics& diagnostics);

// One host, of either family.
std::optional<Address> read_host(const Node& node, Diagnostics& diagnostics);

// `local:` and `remote:` of a rule. A $set must be one of `sets`. `any` alone is no restriction.
AddressMatch read_addresses(const Node& node, const std::vector<Set>& sets, Diagnostics& diagnostics);

// Sorted, disjoint: overlapping ranges become one, neighbours stay apart (a person listed them one by one).
std::vector<AddressRange> merge(std::vector<AddressRange> ranges);

// "$name" -> "name"; nothing: no reference.
std::optional<std::string> reference(const Node& node);

}  // namespace edgefw::policy
