// SPDX-License-Identifier: GPL-2.0-only
// Rules to boxes. Two passes: ends_of() decides for each rule which addresses sit in the tree and which go through a
// class; when all sets are known and their classes numbered, add_boxes() spreads the rule out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "userspace/image/boxes.h"
#include "userspace/image/classes.h"
#include "userspace/policy/policy.h"

namespace edgefw::image {

// The addresses of one family that one end of a rule may have.
struct End {
    bool any = true;
    std::vector<AddressRange> literals;  // each one box: IPv4 any range, IPv6 a prefix
    std::vector<Classes::SetId> sets;

    bool never() const { return !any && literals.empty() && sets.empty(); }
};

struct Ends {
    End local;
    End remote;
};

using SetsByName = std::map<std::string, const policy::Set*>;
using HostsByName = std::map<std::string, const policy::Host*>;

// What the names in rules stand for.
struct Names {
    SetsByName sets;
    HostsByName hosts;
    std::unordered_map<const policy::Set*, std::optional<Classes::SetId>> numbers =
        {};  // of the sets met, in one family
};

// Whether `rule` judges packets of `family` at `hook` of `side`.
bool applies(const policy::Rule& rule, policy::Side side, edgefw_hook hook);
bool applies(const policy::Rule& rule, Family family);

// Whether it lets a SYN open a connection.
bool opens_tcp(const policy::Rule& rule);

// Registers what `rule` needs in `classes`. Fails (kPolicy) when the rule names a set or host that the policy has not.
// `names` is of one family.
Result<Ends> ends_of(const policy::Rule& rule, Family family, Names& names, Classes& classes);

// The boxes of `rule`; none where an end is never(). Fails (kPolicy) when they are too many.
Result<std::vector<Region>> boxes_of(const policy::Rule& rule, const Ends& ends, const Classes& classes);

// Those for the other direction's tree: the SYNs that `rule` opens a connection for (EDGEFW_OUTCOME_ASK). Leaves
// address classes out that no box of `boxes` asks for.
Result<std::vector<Region>> asking_boxes_of(const policy::Rule& rule, const Ends& ends, const Classes& classes,
                                            const Boxes& boxes);

// Adds the boxes of a rule of frames that are not IP: EDGEFW_FIELD_DETAIL is their ethertype.
void add_link_boxes(const policy::Rule& rule, std::uint32_t number, Boxes& boxes);

Ending ending_of(const policy::Rule& rule, std::uint32_t number);

}  // namespace edgefw::image
