// SPDX-License-Identifier: GPL-2.0-only
// What a packet costs with every shipped profile in one policy.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/packet_path.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct ProfileCosts {
    std::size_t profiles = 0;
    std::size_t rules = 0;  // of both sides
    struct Row {
        std::string name;
        Cost cost;
    };
    std::vector<Row> rows;  // received on the external card
};

// `rounds`: the best of as many counts.
Result<ProfileCosts> measure_profiles(int rounds);

}  // namespace edgefw::bench
