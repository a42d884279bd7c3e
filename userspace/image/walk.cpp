// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/walk.h"

#include <algorithm>

#include "userspace/image/cuts.h"

namespace edgefw::image {
namespace {

bool passes(const edgefw_insn& test, std::uint32_t value) {
    const std::uint32_t asked = value & (test.mask | EDGEFW_INSN_HIGH_HALF);
    return test.low <= asked && asked - test.low <= test.width;
}

void walk_run(std::span<const edgefw_insn> insns, std::uint32_t index, const Fields& fields, Walk& walk) {
    std::uint32_t steps = 1;
    for (; insns[index].kind != EDGEFW_INSN_END; ++steps) {
        const edgefw_insn& test = insns[index];
        if (test.kind == EDGEFW_INSN_MATCH) {
            if (!walk.rule || test.low < *walk.rule) {
                walk.rule = test.low;
                walk.outcome = test.width;
            }
            break;
        }
        index += passes(test, fields[test.field]) ? 1 : test.skip;
    }
    walk.steps += steps;
    walk.longest_run = std::max(walk.longest_run, steps);
}

}  // namespace

std::uint32_t child_of(const edgefw_node& node, std::uint32_t value) {
    if ((node.link >> EDGEFW_NODE_FIELD_SHIFT & EDGEFW_NODE_CUTS) == 0) return value > node.split ? 1 : 0;
    const Cuts cuts = cuts_of(node);
    return std::min(cuts.cells(), cuts.cell_of(value));
}

Walk walk(std::span<const edgefw_node> nodes, std::span<const edgefw_insn> insns, const edgefw_forest& forest,
          const Fields& fields) {
    Walk result;
    for (unsigned i = 0; i < forest.groups; ++i) {
        const edgefw_group& group = forest.group[i];
        if (result.rule && *result.rule < group.first) break;
        ++result.groups;
        edgefw_node node = nodes[group.root];
        while (!is_leaf(node)) {
            const std::uint32_t value = fields[node.link >> EDGEFW_NODE_FIELD_SHIFT & (EDGEFW_FIELDS - 1)];
            node = nodes[(node.link & EDGEFW_NODE_INDEX_MASK) + child_of(node, value)];
            ++result.levels;
        }
        if (result.rule && *result.rule < node.split) continue;
        walk_run(insns, node.link & EDGEFW_NODE_INDEX_MASK, fields, result);
    }
    if ((result.outcome & EDGEFW_OUTCOME_ASK) != 0) result.rule.reset();
    return result;
}

}  // namespace edgefw::image
