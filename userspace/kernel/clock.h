// SPDX-License-Identifier: GPL-2.0-only
// The clocks of the data path: jiffies for connections, seconds of CLOCK_MONOTONIC for adoption.
#pragma once

#include <cstdint>

#include "userspace/base/result.h"

namespace edgefw::kernel {

// Jiffies in `seconds`. The kernel's tick is the resolution of its coarse clock.
std::uint32_t jiffies_of(std::uint32_t seconds);

// Jiffies from `then` to `now`. Packets go on while a table is read: what is later than `now` is 0 ago.
std::uint64_t jiffies_since(std::uint64_t then, std::uint64_t now);

// The kernel's clock that connections are timed by, in jiffies: no system call tells it, a program does.
Result<std::uint64_t> jiffies_now();

// Seconds of CLOCK_MONOTONIC, by which the data path ends adoption.
std::uint32_t uptime();

}  // namespace edgefw::kernel
