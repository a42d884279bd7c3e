// SPDX-License-Identifier: GPL-2.0-only
// The image: exactly what the maps of one generation will hold, as plain values. No kernel in sight.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "maps/classes.h"
#include "maps/config.h"
#include "maps/forward.h"
#include "maps/tree.h"
#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::image {

struct ClassPrefix {
    Prefix prefix;
    std::uint32_t number = 0;
};

// A class number taken apart: what host names the addresses of the class have, and the class they are in without.
struct ClassMeaning {
    std::uint32_t rest = 0;          // a class number; 0: none
    std::vector<std::string> hosts;  // sorted
};

struct ForwardTable {
    std::vector<edgefw_forward> entries;  // empty: no forward. The first mask + 1 are buckets
    std::uint32_t mask = 0;
    std::uint32_t seed = 0;
};

// The trees of one hook and family, and the slowest path that a packet can be sent through them.
struct ForestShape {
    std::uint32_t groups = 0;
    std::uint32_t depth = 0;        // levels of the deepest path of each tree, summed up
    std::uint32_t levels = 0;       // of the slowest path: nodes,
    std::uint32_t steps = 0;        // tests and matches,
    std::uint32_t nanoseconds = 0;  // and what both take, by image/cost.h
    std::uint32_t alike = 0;        // rules that no tree parts: most of one leaf,
    std::string rule = {};          // the first of these
    std::string last = {};          // and the last; of the openers of the other direction both are empty

    bool operator==(const ForestShape&) const = default;
};

// Size and depth of what is in force: for `check`, `status` and the tests.
struct Shape {
    std::uint32_t rules = 0;
    std::uint32_t nodes = 0;
    std::uint32_t insns = 0;
    std::uint32_t classes = 0;
    ForestShape forests[EDGEFW_SIDES][EDGEFW_HOOKS][EDGEFW_FAMILIES] = {};

    bool operator==(const Shape&) const = default;
};

struct Image {
    // Per side, what the policy says of its programs (image/config.h); the machine adds the rest (kernel/config.h).
    edgefw_config config[EDGEFW_SIDES] = {};
    std::uint32_t timeout_seconds[EDGEFW_STATE_COUNT] = {};  // by enum edgefw_connection_state
    policy::Capacity capacity;                               // of each card's tables of connections
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_insn> insns;
    std::vector<ClassPrefix> classes[EDGEFW_FAMILIES];    // longest prefix wins
    std::vector<policy::Host> hosts;                      // that rules name
    std::vector<ClassMeaning> meanings[EDGEFW_FAMILIES];  // of class n at n - 1; empty without hosts
    ForwardTable forwards_in;
    ForwardTable forwards_out;                   // those whose target opens by its public end
    std::vector<edgefw_masquerade> masquerades;  // in order
    // Until plan gives out counter slots, an outcome's slot and a NAT entry's slot are indexes here.
    std::vector<std::string> rule_ids;
    std::vector<std::string> nat_ids;  // forwards, then masquerades
    Shape shape;

    std::string to_text() const;  // for golden tests: trees, classes, forwards, config
};

}  // namespace edgefw::image
