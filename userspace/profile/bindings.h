// SPDX-License-Identifier: GPL-2.0-only
// The values of a profile's variables in one use of it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/profile/profile.h"

namespace edgefw::policy {

class Bindings {
public:
    // The values under `with` (nullptr: none given), defaults for the rest. Reports values of a wrong type, names that
    // are no variable, and required ones left out (at `use`).
    Bindings(const Profile& profile, const Node& use, const Node* with, Diagnostics& diagnostics);

    const Profile& profile() const { return *profile_; }
    // nullptr: optional, without default, left out. Choices are lists, bools "true" or "false".
    const Node* find(std::string_view name) const;
    bool given(std::string_view name) const;
    // Under `with`, name to value.
    const std::map<std::string, const Node*, std::less<>>& all_given() const { return given_; }

    // `node` with each scalar `$name` replaced by its value; a list inside a list is spliced in. Reports (at `use`)
    // variables without a value.
    Node bind(const Node& node, const Node& use, Diagnostics& diagnostics) const;

private:
    void require(const Variable& variable, const Node& use, Diagnostics& diagnostics) const;

    const Profile* profile_;
    std::map<std::string, Node, std::less<>> values_;
    std::map<std::string, const Node*, std::less<>> given_;
};

}  // namespace edgefw::policy
