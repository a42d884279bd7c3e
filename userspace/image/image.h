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

// Size and depth of what is in force: for `status` and the tests.
struct Shape {
    std::uint32_t rules = 0;
    std::uint32_t nodes = 0;
    std::uint32_t tests = 0;
    std::uint32_t classes = 0;
    std::uint32_t depth[EDGEFW_SIDES][EDGEFW_HOOKS][EDGEFW_FAMILIES] = {};  // levels, sum over groups
    std::uint32_t groups[EDGEFW_SIDES][EDGEFW_HOOKS][EDGEFW_FAMILIES] = {};
};

struct Image {
    // Per side: what its programs are specialised by. generation, fragment_timeout, partial_checksums, record and
    // timeouts in jiffies are filled in later (plan, commit): here the timeouts are in seconds.
    edgefw_config config[EDGEFW_SIDES] = {};
    policy::Capacity capacity;  // of each card's tables of connections
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_test> tests;
    std::vector<ClassPrefix> classes[EDGEFW_FAMILIES];    // longest prefix wins
    std::vector<policy::Host> hosts;                      // that rules name
    std::vector<ClassMeaning> meanings[EDGEFW_FAMILIES];  // of class n at n - 1; empty without hosts
    ForwardTable forwards_in;
    ForwardTable forwards_out;                   // static ones alone
    std::vector<edgefw_masquerade> masquerades;  // in order
    // Until plan gives out counter slots, an outcome's slot and a NAT entry's slot are indexes here.
    std::vector<std::string> rule_ids;
    std::vector<std::string> nat_ids;  // forwards, then masquerades
    Shape shape;

    std::string to_text() const;  // for golden tests: trees, classes, forwards, config
};

// compile: Policy -> Image. Pure. Fails (kPolicy) only where a limit of the data path is exceeded; the message names
// the rule and the limit.
Result<Image> compile(const policy::Policy& policy);

// The counter slot of every rule and NAT entry of the generations in force, by id.
using Slots = std::map<std::string, std::uint32_t>;

// plan, first half: gives every id of `image` its slot, an id that is in `in_force` the one it has, and writes the
// slots into the image. Returns the slots of this image. Never hands out a slot that `in_force` uses for another id;
// new ones come after the highest in use (round robin), so that late fragments of a removed rule do not count for a new
// one. Fails (kFailed) when the slots are exhausted.
Result<Slots> assign_slots(Image& image, const Slots& in_force);

// Forwards of the generation in force that `image` no longer has (as they were): kept as retired entries, so that the
// connections they translated are found and revoked.
void retire_forwards(Image& image, const std::vector<edgefw_forward>& in_force);

// The hosts of `image` and what its class numbers mean, as it is kept with a generation (image/hosts.h); empty: none.
std::string hosts_text(const Image& image);

// What --dry-run prints: rules, forwards, defaults added, removed, changed, moved. The arguments are the documents of
// show() (policy/stages.h): the one in force ("" when none) and the new one.
std::string delta_text(const std::string& in_force_document, const std::string& new_document);

}  // namespace edgefw::image
