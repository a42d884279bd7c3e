// SPDX-License-Identifier: GPL-2.0-only
// The document of a policy (document::write) as the observing commands read it: which id lies in which counter slot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::document {

struct Rule {
    std::string id;
    std::string profile;  // empty: the policy's own
    std::string side;
    std::string direction;
    std::string action;
    std::uint32_t slot = 0;
};

struct Nat {
    std::string id;
    std::uint32_t slot = 0;
    std::vector<std::string> sides;  // on whose cards it translates

    bool is_on(const std::string& side) const { return std::find(sides.begin(), sides.end(), side) != sides.end(); }
};

struct Document {
    std::vector<Rule> rules;  // in the order of the policy
    std::vector<Nat> nat;
};

// `text` empty: no policy is in force, and the document has no rules.
Result<Document> read(const std::string& text);

}  // namespace edgefw::document
