// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/policy/policy.h"

#include <gtest/gtest.h>

namespace edgefw::policy {
namespace {

// Design section 2: getting this backwards is the classic mistake.
TEST(Policy, HookOfSideAndDirection) {
    EXPECT_EQ(hook_of(Side::kExternal, Direction::kInbound), EDGEFW_RECEIVED);
    EXPECT_EQ(hook_of(Side::kExternal, Direction::kOutbound), EDGEFW_SENT);
    EXPECT_EQ(hook_of(Side::kInternal, Direction::kOutbound), EDGEFW_RECEIVED);
    EXPECT_EQ(hook_of(Side::kInternal, Direction::kInbound), EDGEFW_SENT);
    for (const Side side : {Side::kExternal, Side::kInternal}) {
        for (const Direction direction : {Direction::kInbound, Direction::kOutbound}) {
            EXPECT_EQ(direction_of(side, hook_of(side, direction)), direction);
        }
    }
}

TEST(Location, Text) {
    EXPECT_EQ((Location{"p", 3, 7}).to_text(), "p:3:7");
    EXPECT_EQ((Location{"p", 0, 0}).to_text(), "p");
}

}  // namespace
}  // namespace edgefw::policy
