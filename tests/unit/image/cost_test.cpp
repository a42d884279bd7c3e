// SPDX-License-Identifier: GPL-2.0-only
// What a search is said to cost.
#include "userspace/image/cost.h"

#include <gtest/gtest.h>

#include <vector>

#include "userspace/image/tree.h"

namespace edgefw::image {
namespace {

edgefw_insn test(std::uint32_t skip) {
    return {80, 0, EDGEFW_INSN_TEST, EDGEFW_FIELD_LOCAL_PORT, EDGEFW_INSN_MASK_ALL, skip};
}

const edgefw_insn kMatch = {0, 0, EDGEFW_INSN_MATCH, 0, 0, 0};
const edgefw_insn kEnd = {0, 0, EDGEFW_INSN_END, 0, 0, 0};

TEST(Cost, ThePathThatLooksAtMost) {
    EXPECT_EQ(longest_path(std::vector{kEnd}), 1u);
    EXPECT_EQ(longest_path(std::vector{test(2), kMatch, kEnd}), 2u);
    // A match ends the path: who looks at most fails the last test of each rule.
    EXPECT_EQ(longest_path(std::vector{test(3), test(2), kMatch, test(3), test(2), kMatch, kEnd}), 5u);
    EXPECT_EQ(longest_path(std::vector{test(6), test(5), test(4), test(3), test(2), kMatch, kEnd}), 6u);
}

TEST(Cost, IsTheSumOfItsParts) {
    Region box = everywhere();
    box[EDGEFW_FIELD_LOCAL_PORT] = {80, 80};
    Boxes boxes;
    boxes.add(0, box);
    const std::vector<Ending> endings(2);
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_insn> insns;
    const Result<Forest> forest = Ground(nodes, insns).grow({boxes, endings});
    ASSERT_TRUE(forest);
    // One leaf: the test of the port, and the match or the end.
    const double cost = kGroupNanoseconds + 2 * kStepNanoseconds;
    EXPECT_DOUBLE_EQ(mean_cost(nodes, insns, forest->layout, boxes), cost);
    EXPECT_DOUBLE_EQ(forest->worst.nanoseconds, cost);
}

}  // namespace
}  // namespace edgefw::image
