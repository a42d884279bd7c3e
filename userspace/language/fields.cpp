// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/fields.h"

#include <algorithm>

#include "userspace/language/suggest.h"

namespace edgefw::policy {
namespace {

// A message is one line, whatever the file holds.
std::string shortened(const std::string& text) {
    constexpr std::size_t kLongest = 80;
    std::string line(text, 0, kLongest);
    if (text.size() > kLongest) line.append("...");
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

}  // namespace

Fields::Fields(const Node& map, std::span<const std::string_view> allowed, std::string_view what,
               Diagnostics& diagnostics)
    : map_(map), what_(what), diagnostics_(diagnostics) {
    if (!map.is_map()) {
        diagnostics.error(map, std::string(what) + " is a mapping of `key: value`, this is " + describe(map));
        return;
    }
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
        const Node& key = map.items[i];
        if (std::find(allowed.begin(), allowed.end(), key.text) != allowed.end()) continue;
        diagnostics.error(key,
                          "unknown key " + describe(key) + " in " + std::string(what) + suggestion(key.text, allowed));
    }
}

const Node* Fields::need(std::string_view key) const {
    const Node* value = map_.find(key);
    if (value == nullptr && map_.is_map()) {
        diagnostics_.error(map_, std::string(what_) + " needs `" + std::string(key) + ":`");
    }
    return value;
}

std::string describe(const Node& node) {
    switch (node.kind) {
        case Node::Kind::kScalar:
            return "'" + shortened(node.text) + "'";
        case Node::Kind::kList:
            return "a list";
        case Node::Kind::kMap:
        case Node::Kind::kDeferred:
            return "a mapping";
        case Node::Kind::kNull:
            break;
    }
    return "empty";
}

std::string read_text(const Node& node, std::string_view what, Diagnostics& diagnostics) {
    if (node.is_scalar()) return node.text;
    diagnostics.error(node, std::string(what) + " is text, this is " + describe(node));
    return "";
}

std::span<const Node> one_or_several(const Node& node) {
    if (node.is_list()) return node.items;
    return {&node, 1};
}

}  // namespace edgefw::policy
