// SPDX-License-Identifier: GPL-2.0-only
// The sets of a policy by name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Points into the sets, which stay as they are meanwhile.
class SetIndex {
public:
    explicit SetIndex(const std::vector<Set>& sets) {
        for (const Set& set : sets)
            by_name_.emplace(set.name, &set);
    }

    // nullptr: there is none.
    const Set* find(std::string_view name) const {
        const auto found = by_name_.find(name);
        return found == by_name_.end() ? nullptr : found->second;
    }
    std::vector<std::string_view> names() const {
        std::vector<std::string_view> names;
        for (const auto& [name, set] : by_name_)
            names.push_back(name);
        return names;
    }

private:
    std::unordered_map<std::string_view, const Set*> by_name_;
};

}  // namespace edgefw::policy
