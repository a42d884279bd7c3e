// SPDX-License-Identifier: GPL-2.0-only
// Decision trees over boxes, after HyperSplit (Qi, Xu, Yang, Xue and Li, INFOCOM 2009): cut the region where its boxes
// part best, drop what an earlier box hides, stop where testing the rest costs less than another level.
//
// A box that spans a cut lies in both parts. Where that copies too much, the boxes are first parted into up to four
// groups by whether each address is narrow or wide, and each group gets a tree of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/boxes.h"
#include "userspace/image/leaf.h"

namespace edgefw::image {

// What a forest is grown from. Endings and ids are indexed by rule number; an ending behind the last id belongs to no
// rule.
struct Seed {
    const Boxes& boxes;
    const std::vector<Ending>& endings;
    const std::vector<std::string>& ids;
};

struct Forest {
    edgefw_forest layout = {};  // without `uses`
    std::uint32_t depth = 0;    // levels, sum over groups
};

// The arrays that all trees of an image share. Node pairs begin at even indexes: none straddles a cache line.
class Ground {
public:
    Ground(std::vector<edgefw_node>& nodes, std::vector<edgefw_insn>& insns)
        : nodes_(nodes), insns_(insns), runs_(insns) {}

    // Fails (kPolicy) where a tree would be deeper, a leaf longer or an array larger than the data path can walk.
    Result<Forest> grow(const Seed& seed);

private:
    friend class Tree;
    std::vector<edgefw_node>& nodes_;
    std::vector<edgefw_insn>& insns_;
    Runs runs_;
};

}  // namespace edgefw::image
