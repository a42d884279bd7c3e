// SPDX-License-Identifier: GPL-2.0-only
// What searching the rules costs by itself, beside DPDK's rte_acl.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

// Nanoseconds of one search.
struct SearchTimes {
    double in_turn = 0;  // 4,096 packets, one after the other
    double one = 0;      // the same packet each time
};

struct SearchCost {
    std::string shape;
    std::size_t rules = 0;
    double grow_seconds = 0;  // boxes to trees
    unsigned groups = 0;
    double worst = 0;  // nanoseconds, as `check` would say it
    std::size_t bytes = 0;
    SearchTimes edgefw;
    std::optional<SearchTimes> acl;  // of the fewest rules, where this is built with DPDK
};

inline constexpr std::size_t kSearchRules[] = {10'000, 100'000};

// `rounds`: the best of as many counts. Fails where a search finds another rule than reading them in order does.
Result<std::vector<SearchCost>> measure_search(int rounds);

}  // namespace edgefw::bench
