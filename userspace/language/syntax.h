// SPDX-License-Identifier: GPL-2.0-only
// Syntax: what parse yields, a YAML document as a tree in which every node knows its place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::policy {

struct Node {
    // kDeferred: a map whose nodes are made when they are asked for (language/plain.h): 100,000 rules as nodes would be
    // most of what a push takes of memory. Only parse_policy() yields it, and only as an item of `rules:`.
    enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap, kDeferred };

    Kind kind = Kind::kNull;
    int line = 0;  // from 1
    int column = 0;
    const std::string* file = nullptr;  // owned by the Syntax
    std::string text;                   // of a scalar; of a deferred map: the lines that it is written in
    std::vector<Node> items;            // of a list; of a map: key, value, key, value, ... (keys are unique scalars)

    bool is_scalar() const { return kind == Kind::kScalar; }
    bool is_list() const { return kind == Kind::kList; }
    bool is_map() const { return kind == Kind::kMap; }
    // The value of `key`; nullptr: this map has none.
    const Node* find(std::string_view key) const;
    Location where() const;
    // One line of flow YAML with every scalar quoted, for tests.
    std::string to_text() const;
};

struct Syntax {
    std::unique_ptr<const std::string> file;  // its name; the nodes point here
    Node root;
};

}  // namespace edgefw::policy
