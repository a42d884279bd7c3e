// SPDX-License-Identifier: GPL-2.0-only
// What a dry run says of packets that came: drops that a policy would pass, and what opened connections and would drop.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/difference/difference.h"
#include "userspace/show/drops.h"

namespace edgefw::show {

// A pass rule in force that has opened connections, and those of its packets that the new policy would drop.
struct PassedOpeners {
    std::string rule;
    std::uint64_t opened = 0;  // connections, since the rule is in force; any of them may be such packets, or none
    std::vector<std::string> boxes = {};
    std::size_t more = 0;  // further boxes
};

struct Foreseen {
    std::vector<DropRow> drops = {};  // flows of which each would pass: `now` says by what
    std::vector<PassedOpeners> openers = {};
};

// Of `dropped`, whose `now` is what the new policy would do: the flows that it would pass, those of most packets first.
std::vector<DropRow> that_would_pass(std::vector<DropRow> dropped);

// The rules whose packets the difference narrows, of those that have opened connections; by their number, the greatest
// first. `opened`: by the id of a rule in force.
std::vector<PassedOpeners> openers_that_drop(const difference::Difference& difference,
                                             const std::map<std::string, std::uint64_t>& opened);

// The first 20 flows, and how many more there are; in JSON all. Nothing where nothing is foreseen. `minutes`: how far
// the look at drops went back.
std::string foreseen_text(const Foreseen& foreseen, std::uint64_t minutes);
nlohmann::ordered_json foreseen_json(const Foreseen& foreseen, std::uint64_t minutes);

}  // namespace edgefw::show
