// SPDX-License-Identifier: GPL-2.0-only
// Where the nanoseconds of a packet go: the same packet through policies that ask for one thing more each time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

struct Step {
    std::string name;
    double nanoseconds = 0;
    std::uint32_t instructions = 0;  // of the judging program of received packets, after the verifier; 0: not ours
    std::uint32_t bytes = 0;         // of machine code
};

Result<std::vector<Step>> measure_breakdown(int rounds);

}  // namespace edgefw::bench
