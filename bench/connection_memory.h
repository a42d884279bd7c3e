// SPDX-License-Identifier: GPL-2.0-only
// What a connection takes in the kernel's maps, by kind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

// Sums over the tables that hold an entry of the connection. Bytes.
struct ConnectionMemory {
    std::string name;
    std::string tables;           // that hold it, confirmed
    std::uint32_t half_open = 0;  // key and value, before it is confirmed
    std::uint32_t asked = 0;      // key and value, confirmed
    double taken = 0;             // of map memory for each entry, as the kernel accounts for it
    double overhead = 0;          // of that the kernel's own: what a table of the same size takes beyond key and value
    std::uint64_t empty = 0;      // memory of those tables as they are made,
    std::uint64_t filled = 0;     // and with an entry for half of what they hold
    double target = 0;            // of beyond(); 0: none

    double beyond() const { return taken - overhead; }
    bool is_met() const { return target == 0 || beyond() <= target; }
};

Result<std::vector<ConnectionMemory>> measure_connection_memory();

}  // namespace edgefw::bench
