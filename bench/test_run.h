// SPDX-License-Identifier: GPL-2.0-only
// BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

using Frame = std::vector<std::uint8_t>;

// Runs `program` on `frame`, `repeat` times over. The kernel's own figure of what a run took: whole nanoseconds.
Result<double> test_run(int program, const Frame& frame, std::uint32_t repeat);

// Runs `program` once, and returns the frame as it left.
Result<Frame> run_once(int program, const Frame& frame);

// Hands `count` frames to the program as live ones: what it redirects is really sent.
Result<Ok> send_live(int program, const Frame& frame, std::uint32_t count);

}  // namespace edgefw::bench
