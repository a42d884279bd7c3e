// SPDX-License-Identifier: GPL-2.0-only
// The rules and NAT entries of a policy, each with its counter slot and what its counters are told apart by. It is kept
// with a generation beside its document, so that who counts reads no document.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::document {

// The counter slots of rules and NAT entries, by id.
using Slots = std::unordered_map<std::string, std::uint32_t>;

struct RuleEntry {
    std::string id;
    std::string profile;  // empty: the policy's own
    policy::Side side = policy::Side::kExternal;
    policy::Direction direction = policy::Direction::kBoth;
    policy::Action action = policy::Action::kPass;
    std::uint32_t slot = 0;  // 0: it has none yet
};

struct NatEntry {
    std::string id;
    std::uint8_t sides = 0;  // on whose cards it translates, a bit_of() each
    std::uint32_t slot = 0;

    bool is_on(policy::Side side) const { return (sides & policy::bit_of(side)) != 0; }
};

struct Listing {
    std::vector<RuleEntry> rules;  // in the order of the policy
    std::vector<NatEntry> nat;     // forwards, then masquerades

    // Those that have one.
    Slots slots() const;
    // An id without a slot there has none.
    void set_slots(const Slots& slots);
    bool has_rules_for(policy::Side side) const;
    std::string to_text() const;
};

// Nothing has a slot yet.
Listing list(const policy::Policy& policy);

// What Listing::to_text() wrote. `text` empty: no policy is in force, and nothing is listed. Fails (kFailed) on
// anything else.
Result<Listing> read_listing(const std::string& text);

}  // namespace edgefw::document
