// SPDX-License-Identifier: GPL-2.0-only
// The keys of one mapping: finds them, and reports what is missing, unknown or of the wrong kind.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"

namespace edgefw::policy {

class Fields {
public:
    // `what` names the mapping in messages ("a rule"). Reports each key that `allowed` does not hold; reports `map`
    // itself when it is no mapping, and then has no keys.
    Fields(const Node& map, std::span<const std::string_view> allowed, std::string_view what, Diagnostics& diagnostics);

    bool is_map() const { return map_.is_map(); }
    // nullptr: left out.
    const Node* find(std::string_view key) const { return map_.find(key); }
    // As find, and reports a key that is left out.
    const Node* need(std::string_view key) const;

    const Node& node() const { return map_; }

private:
    const Node& map_;
    std::string_view what_;
    Diagnostics& diagnostics_;
};

// "a list", "a mapping", "nothing" or the scalar in quotes.
std::string describe(const Node& node);

// The text of a scalar; reports anything else and yields "".
std::string read_text(const Node& node, std::string_view what, Diagnostics& diagnostics);

// The items of a list, or the one value that stands for a list of one.
std::span<const Node> one_or_several(const Node& node);

}  // namespace edgefw::policy
