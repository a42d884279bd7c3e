// SPDX-License-Identifier: GPL-2.0-only
// One million connections: opened and confirmed on a card that has room for them, held, and used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/packet_path.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct Million {
    std::uint32_t entries = 0;  // the table is made for
    std::uint32_t opened = 0;
    std::uint64_t held = 0;  // confirmed, and in the table when the last one was
    struct Row {
        std::string name;
        Cost cost;
    };
    std::vector<Row> rows;  // an established packet
};

// `rounds`: the best of as many counts.
Result<Million> measure_million(int rounds);

}  // namespace edgefw::bench
