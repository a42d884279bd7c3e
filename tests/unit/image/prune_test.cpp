// SPDX-License-Identifier: GPL-2.0-only
// What of a region's boxes may match first.
#include "userspace/image/prune.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace edgefw::image {
namespace {

class Prune : public testing::Test {
protected:
    // A box with these intervals of local address, remote address and local port; all are of TCP and open connections.
    void add(Interval local, Interval remote, Interval port, FlagTests flags = {}) {
        Region box = everywhere();
        box[EDGEFW_FIELD_PROTOCOL] = {6, 6};
        box[EDGEFW_FIELD_OPENS] = {1, 1};
        box[EDGEFW_FIELD_LOCAL] = local;
        box[EDGEFW_FIELD_REMOTE] = remote;
        box[EDGEFW_FIELD_LOCAL_PORT] = port;
        const auto rule = static_cast<std::uint32_t>(endings_.size());
        boxes_.add(rule, box);
        endings_.push_back({rule, flags});
    }

    // As many boxes that nothing of these tests hides, so that no two are compared.
    void crowd() {
        for (std::uint32_t i = 0; i < 20; ++i)
            add({i, i + 100}, {200 - i, 300 - i}, {i, i + 30});
    }

    Items pruned(const Region& region = everywhere()) {
        Items items(boxes_.size());
        std::iota(items.begin(), items.end(), 0);
        const Seed seed{boxes_, endings_};
        Pruner(seed).prune(items, region);
        return items;
    }

    bool has(std::uint32_t box) {
        const Items items = pruned();
        return std::find(items.begin(), items.end(), box) != items.end();
    }

private:
    Boxes boxes_;
    std::vector<Ending> endings_;
};

// The fields that all of them restrict alike (protocol, opening) are no part of the question.
TEST_F(Prune, WhatFillsTheHullHidesAllBehindIt) {
    crowd();
    add({0, 400}, {0, 400}, {0, 65535});
    add({5, 6}, {5, 6}, {80, 80});
    add({0, 400}, {0, 400}, {0, 65535});
    const Items items = pruned();
    ASSERT_EQ(items.size(), 21u);
    EXPECT_EQ(items.back(), 20u);
}

TEST_F(Prune, WhatFillsAllButOneFieldHidesWithinItsInterval) {
    crowd();
    add({0, 50}, {0, 400}, {0, 65535});
    add({51, 90}, {0, 400}, {0, 65535});  // next to it: together they are one interval
    add({40, 60}, {7, 9}, {1, 2});
    add({40, 91}, {7, 9}, {1, 2});
    EXPECT_FALSE(has(22));
    EXPECT_TRUE(has(23));
}

TEST_F(Prune, ApartIntervalsAreNotJoined) {
    crowd();
    add({0, 50}, {0, 400}, {0, 65535});
    add({52, 90}, {0, 400}, {0, 65535});
    add({40, 60}, {7, 9}, {1, 2});
    EXPECT_TRUE(has(22));
}

TEST_F(Prune, WhatAsksForFlagsHidesNothingElse) {
    crowd();
    add({0, 400}, {0, 400}, {0, 65535}, {2, 2, 0});
    add({5, 6}, {5, 6}, {80, 80});
    EXPECT_TRUE(has(21));
}

// Of a region with flags 0x10 to 0x1f the tests of the bits above are settled.
TEST_F(Prune, FlagsThatARegionCannotHaveAreDropped) {
    add({0, 1}, {0, 1}, {0, 1}, {0x20, 0x20, 0});
    add({2, 3}, {2, 3}, {0, 1}, {0x10, 0x10, 0});
    add({4, 5}, {4, 5}, {0, 1}, {0x01, 0x01, 0});
    add({6, 7}, {6, 7}, {0, 1}, {0, 0, 0xe0});
    add({8, 9}, {8, 9}, {0, 1});
    Region region = everywhere();
    region[EDGEFW_FIELD_DETAIL] = {0x10, 0x1f};
    EXPECT_EQ(pruned(region), (Items{1, 2, 4}));
    region[EDGEFW_FIELD_DETAIL] = {0x100, 0xffff};
    EXPECT_EQ(pruned(region), Items{4});
}

}  // namespace
}  // namespace edgefw::image
