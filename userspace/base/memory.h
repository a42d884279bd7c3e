// SPDX-License-Identifier: GPL-2.0-only
// How much memory there is to take.
#pragma once

#include <cstdint>
#include <string>

namespace edgefw {

struct Memory {
    std::uint64_t bytes = 0;
    std::string limit;  // who says so: "MemAvailable", or the file of a control group
};

// What the host has (MemAvailable of `proc`/meminfo), or what this process's control groups leave of it where that is
// less, of either version; a file that cannot be read limits nothing.
Memory available_memory(const std::string& proc = "/proc", const std::string& cgroups = "/sys/fs/cgroup");

// "3.1 GB", for people.
std::string memory_text(std::uint64_t bytes);

}  // namespace edgefw
