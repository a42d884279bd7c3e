// SPDX-License-Identifier: GPL-2.0-only
// walk: what bpf/flow/classify.h does with a forest, in C++.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "maps/tree.h"

namespace edgefw::image {

// The values of a packet, by enum edgefw_field.
using Fields = std::array<std::uint32_t, EDGEFW_FIELDS>;

struct Walk {
    std::optional<std::uint32_t> rule;  // number of the first rule that matches
    std::uint32_t outcome = 0;          // of the match
    std::uint32_t groups = 0;           // trees that were searched
    std::uint32_t levels = 0;           // splits and cuts gone through, sum over groups
    std::uint32_t steps = 0;            // elements of runs looked at
    std::uint32_t longest_run = 0;      // most elements looked at in one leaf
};

// The arrays are those of the image that the forest belongs to.
Walk walk(std::span<const edgefw_node> nodes, std::span<const edgefw_insn> insns, const edgefw_forest& forest,
          const Fields& fields);

// The child that `value` goes to, counted from the first one. `node` is no leaf.
std::uint32_t child_of(const edgefw_node& node, std::uint32_t value);

inline bool is_leaf(const edgefw_node& node) {
    const std::uint32_t kind = node.link >> EDGEFW_NODE_FIELD_SHIFT;
    return kind == EDGEFW_NODE_LEAF || kind == EDGEFW_NODE_LONG_LEAF;
}

}  // namespace edgefw::image
