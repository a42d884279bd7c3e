// SPDX-License-Identifier: GPL-2.0-only
// How long a policy of 10,000 further rules takes from its file into force, and what it occupies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/lab.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct Duration {
    std::string what;
    double seconds = 0;            // by the clock on the wall
    double processor_seconds = 0;  // that this process was given
    double target = 0;             // of the seconds; 0: none
};

struct Memory {
    std::uint32_t further_rules = 0;
    std::uint64_t rule_bytes = 0;  // maps of the generation
    std::uint64_t card_bytes = 0;  // maps of one card: connections, counters
};

Result<std::vector<Duration>> measure_control_plane(const Lab& lab);
Result<std::vector<Memory>> measure_memory();

}  // namespace edgefw::bench
