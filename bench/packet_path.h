// SPDX-License-Identifier: GPL-2.0-only
// What a packet costs: edgefw beside the floor, with 10 to 10,000 further rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

inline constexpr std::uint32_t kFurtherRules[] = {10, 100, 1'000, 10'000};

// One figure: nanoseconds above a no-op, beside those of the floor that was run in the same way.
struct Cost {
    double nanoseconds = 0;
    double floor = 0;
    double target = 0;  // of the ratio; 0: none
    double ratio() const { return nanoseconds / floor; }
    bool is_met() const { return target == 0 || ratio() <= target; }
};

struct CostRow {
    std::string name;
    std::vector<Cost> costs;  // by kFurtherRules
};

struct PacketPath {
    double noop_received = 0, noop_sent = 0;  // nanoseconds by themselves
    std::vector<CostRow> rows;
    Cost default_drop;  // of a SYN to a closed port, with the fewest rules: what the peers are compared with
};

// `rounds`: the best of as many counts.
Result<PacketPath> measure_packet_path(int rounds);

}  // namespace edgefw::bench
