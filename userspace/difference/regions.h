// SPDX-License-Identifier: GPL-2.0-only
// Two lists of rulings, each behind its NAT entries: the boxes of packets that they decide differently.
//
// A region is parted until one ruling of each list takes all of it. Three things keep that small. What stands behind a
// ruling that covers the region is left out of it. A region in which both lists hold nothing that is `changed` has no
// difference (Lists), and is left out whole. And before it is parted a region is cut down to what surrounds the changed
// rulings in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "userspace/difference/ruling.h"
#include "userspace/difference/translation.h"

namespace edgefw::difference {

// When to stop, over all plots.
struct Budget {
    std::chrono::steady_clock::time_point deadline;
    std::size_t boxes = 0;  // that may still be found
    std::uint32_t steps = 0;
    bool is_spent = false;

    bool spend(std::size_t found);  // false: stop
};

// What a packet meets in one policy. Indexes into its lists.
struct Met {
    std::uint32_t ruling = 0;
    std::uint32_t piece = 0;

    auto operator<=>(const Met&) const = default;
};

using Pair = std::pair<Met, Met>;  // before, after

// One policy's share of a plot and one kind of messages.
struct Program {
    std::vector<Ruling> rulings;  // those that match the messages
    std::vector<Piece> pieces;
};

// What a policy does to the packets of `met`, and by what.
struct Outcome {
    const Ruling* ruling = nullptr;
    const Piece* piece = nullptr;
    policy::Action action = policy::Action::kDrop;
    bool keeps = false;            // it opens a connection
    Translation translation = {};  // of what passes
};
Outcome outcome_of(const Program& program, Met met, const Messages& messages);
bool differ(const Outcome& before, const Outcome& after);

// Disjoint boxes, as packets are on the wire, parted further than they need be (merge()). Not all of them where
// `budget` is spent.
std::map<Pair, std::vector<Box>> regions_of(const Program& before, const Program& after, const Plot& plot,
                                            const Messages& messages, Budget& budget);

// The same packets in fewer boxes: those that are alike on all axes but one, and touch there, become one.
void merge(std::vector<Box>& boxes);

}  // namespace edgefw::difference
