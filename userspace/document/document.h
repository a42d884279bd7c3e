// SPDX-License-Identifier: GPL-2.0-only
// The document of a policy: what `show --json` prints and what is kept with a generation. Here it is written, read and
// completed; delta.h compares two, sources.h has what the policy was made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "maps/abi.h"
#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::document {

// {"rules": [...], "nat": [...], "defaults": {...}, "builtins": [...], "sets": [...], "hosts": [...], "digest",
// "hosts_digest", "file"}, keys as in docs/policy.md.
nlohmann::ordered_json write(const policy::Policy& policy);

// One entry of "hosts": name, addresses, resolved (seconds since 1970, or null), ttl, problem (text or null).
nlohmann::ordered_json to_json(const policy::Host& host);

// SHA-256 in hex over the names of `hosts` and their addresses: two edges with one digest and one of these judge alike.
// Null where there are no hosts. When and for how long an address holds does not count.
nlohmann::ordered_json hosts_digest(const std::vector<policy::Host>& hosts);

// The counter slots of rules and NAT entries, by id.
using Slots = std::map<std::string, std::uint32_t>;

// `document` with the slots and the number of its generation written in.
std::string with_slots(const std::string& document, const Slots& slots, std::uint32_t generation);

// The slots back out of it; none where it is no document.
Slots slots_of(const std::string& document);

struct RuleEntry {
    std::string id;
    std::string profile;  // empty: the policy's own
    std::string side;
    std::string direction;
    std::string action;
    std::uint32_t slot = 0;  // 0: it has none yet
};

struct NatEntry {
    std::string id;
    std::uint32_t slot = 0;
    std::vector<std::string> sides;  // on whose cards it translates

    bool is_on(const std::string& side) const { return std::find(sides.begin(), sides.end(), side) != sides.end(); }
};

// A document as it is read.
struct Document {
    std::uint32_t generation = 0;  // 0: of none
    std::string digest;
    std::vector<RuleEntry> rules;  // in the order of the policy
    std::vector<NatEntry> nat;
    bool drops[EDGEFW_SIDES] = {};  // the default of the side drops in a direction at least

    Slots slots() const;
    bool has_rules_for(policy::Side side) const;
};

// `text` empty: no policy is in force, and the document has nothing. Fails (kFailed) on what is no document.
Result<Document> read(const std::string& text);

}  // namespace edgefw::document
