// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/leaf.h"

#include <gtest/gtest.h>

namespace edgefw::test {
namespace {

edgefw_insn asks(unsigned field, std::uint32_t value) {
    return {value, 0, EDGEFW_INSN_TEST, static_cast<__u8>(field), EDGEFW_INSN_MASK_ALL, 0};
}

edgefw_insn match(std::uint32_t rule) {
    return {rule, rule, EDGEFW_INSN_MATCH, 0, 0, 0};
}

// "8=80>3": field 8 equals 80, else three further. "!1": rule 1 matches. ".": the end.
std::string text(const image::Run& run) {
    std::string text;
    for (const edgefw_insn& test : run) {
        if (test.kind == EDGEFW_INSN_END) {
            text += ".";
        } else if (test.kind == EDGEFW_INSN_MATCH) {
            text += "!" + std::to_string(test.low) + " ";
        } else {
            text += std::to_string(test.field) + "=" + std::to_string(test.low) + ">" + std::to_string(test.skip) + " ";
        }
    }
    return text;
}

TEST(Leaf, EmptyRunIsItsEnd) {
    EXPECT_EQ(text(image::run_of({})), ".");
}

TEST(Leaf, TestsThenMatch) {
    EXPECT_EQ(text(image::run_of({{{asks(8, 80), asks(10, 6)}, match(1)}, {{}, match(2)}})), "8=80>3 10=6>2 !1 !2 .");
}

TEST(Leaf, SharedQuestionsAreAskedOnce) {
    EXPECT_EQ(text(image::run_of({{{asks(0, 7), asks(8, 80), asks(10, 6)}, match(1)},
                                  {{asks(0, 7), asks(8, 81), asks(10, 6)}, match(2)},
                                  {{asks(0, 7), asks(8, 81), asks(10, 17)}, match(3)}})),
              "0=7>9 10=6>5 8=80>2 !1 8=81>2 !2 8=81>3 10=17>2 !3 .");
}

TEST(Runs, EqualOnesAreStoredOnce) {
    std::vector<edgefw_insn> tests;
    image::Runs runs(tests);
    const image::Run one = image::run_of({{{asks(8, 80)}, match(1)}});
    const image::Run other = image::run_of({{{asks(8, 81)}, match(1)}});
    EXPECT_EQ(runs.add(one), 0u);
    EXPECT_EQ(runs.add(other), 3u);
    EXPECT_EQ(runs.add(one), 0u);
    tests.resize(3);  // a tree was given up
    EXPECT_EQ(runs.add(other), 3u);
    EXPECT_EQ(tests.size(), 6u);
}

}  // namespace
}  // namespace edgefw::test
