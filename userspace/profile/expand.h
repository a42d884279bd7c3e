// SPDX-License-Identifier: GPL-2.0-only
// expand: the `use:` items of a policy become the rows of their profiles, variables bound.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/bindings.h"
#include "userspace/profile/profile.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::policy {

// One rule or NAT entry, as the policy or a profile writes it.
struct Item {
    const Node* node = nullptr;  // of a rule: perhaps deferred
    std::string prefix;          // of its id: "ocs/access-edge/"; empty: written in the policy itself
    Origin origin;
    Location where;  // in the policy's file
};

struct ProfileUse {
    std::shared_ptr<const Profile> profile;
    Bindings bindings;
    std::string prefix;          // "ocs"
    const Node* node = nullptr;  // the `use:` item
};

// Nodes point into the policy's Syntax, the profiles and `bound`.
struct Expansion {
    std::vector<Item> rules;
    std::vector<Item> nat;
    std::vector<ProfileUse> uses;
    std::deque<Node> bound;
};

// `root` is the policy's mapping. Rules come in order of the file, NAT entries of the policy before those of profiles.
Expansion expand(const Node& root, const ProfilePath& profiles, Diagnostics& diagnostics);

}  // namespace edgefw::policy
