// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace edgefw {
namespace {

TEST(InParallel, EachTaskIsDoneOnce) {
    for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
        std::vector<std::atomic<int>> done(count);
        in_parallel(count, [&](std::size_t i) { ++done[i]; });
        for (const std::atomic<int>& times : done)
            ASSERT_EQ(times, 1);
    }
}

TEST(InParallel, AFailureArrives) {
    EXPECT_THROW(in_parallel(100,
                             [](std::size_t i) {
                                 if (i == 50) throw std::runtime_error("50");
                             }),
                 std::runtime_error);
}

}  // namespace
}  // namespace edgefw
