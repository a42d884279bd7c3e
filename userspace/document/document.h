// SPDX-License-Identifier: GPL-2.0-only
// The document of a policy: what `show --json` prints and what is kept with a generation. Here it is written; delta.h
// compares two, listing.h has what counters need of it, sources.h what the policy was made of.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::document {

// {"rules": [...], "nat": [...], "defaults": {...}, "builtins": [...], "sets": [...], "hosts": [...], "digest",
// "hosts_digest", "file"}, keys as in docs/policy.md.
std::string write_text(const policy::Policy& policy);

// The same as values.
nlohmann::ordered_json write(const policy::Policy& policy);

// One entry of "hosts": name, addresses, resolved (seconds since 1970, or null), ttl, problem (text or null).
nlohmann::ordered_json to_json(const policy::Host& host);

// SHA-256 in hex over the names of `hosts` and their addresses: two edges with one digest and one of these judge alike.
// Null where there are no hosts. When and for how long an address holds does not count.
nlohmann::ordered_json hosts_digest(const std::vector<policy::Host>& hosts);

// `document` with the number of its generation written in, which makes it no other text but for that.
std::string with_generation(const std::string& document, std::uint32_t generation);

}  // namespace edgefw::document
