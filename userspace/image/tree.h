// SPDX-License-Identifier: GPL-2.0-only
// Decision trees over boxes. docs/classifier.md has the idea, and why it is this one.
//
// A region of packets is parted, by a split into two or by cuts into many equal cells, until few of the boxes that
// reach into it are left; these are tested one after the other. A box that spans a border lies on both sides of it.
// What copies may cost is limited from the start: where more would be needed, the boxes of the region stay together, in
// a leaf that is long. So every set of rules has its trees; hostile ones have slow ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/boxes.h"
#include "userspace/image/leaf.h"

namespace edgefw::image {

// The slowest path through one tree or through a forest.
struct WorstPath {
    std::uint32_t levels = 0;  // splits and cuts
    std::uint32_t steps = 0;   // tests and matches
    double nanoseconds = 0;    // by the figures of image/cost.h
    std::uint32_t rule = 0;    // the first of the rules that are tested at its end; of a forest: of its longest leaf
    std::uint32_t last = 0;    // and the last of them
    std::uint32_t rules = 0;   // how many are; of the openers of the other direction (EDGEFW_OUTCOME_ASK) each case
};

struct Forest {
    edgefw_forest layout = {};  // without `uses`
    std::uint32_t depth = 0;    // levels, sum over groups
    WorstPath worst;            // sum over groups
};

// The arrays that all trees of an image share. Node pairs begin at even indexes: none straddles a cache line.
class Ground {
public:
    Ground(std::vector<edgefw_node>& nodes, std::vector<edgefw_insn>& insns)
        : nodes_(nodes), insns_(insns), runs_(insns) {}

    // Fails (kPolicy) where an array would be larger than an index of the data path reaches: by the number of boxes,
    // never by how they overlap.
    Result<Forest> grow(const Seed& seed);

    // Takes in a forest that was grown on a ground of its own, and writes its new roots into `layout`. False, and
    // nothing is changed, where the arrays would become too large.
    bool take_in(const std::vector<edgefw_node>& nodes, const std::vector<edgefw_insn>& insns, edgefw_forest& layout);

private:
    friend class Tree;
    // None where an array has become too large.
    std::optional<Forest> grow(const Seed& seed, std::size_t groups, bool copies);
    // The number of groups whose forest costs least. It leaves the arrays as they were.
    std::size_t cheapest(const Seed& seed);
    void clear(std::size_t nodes, std::size_t insns);

    std::vector<edgefw_node>& nodes_;
    std::vector<edgefw_insn>& insns_;
    Runs runs_;
};

}  // namespace edgefw::image
