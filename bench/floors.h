// SPDX-License-Identifier: GPL-2.0-only
// No-op and floor, timed once for each way to run programs that something is compared in.
#pragma once

#include <map>

#include "bench/baseline.h"
#include "bench/driver.h"
#include "bench/stopwatch.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

class Floors {
public:
    static Result<Floors> load();

    // Indexes of the stopwatch.
    struct Pair {
        std::size_t noop = 0, floor = 0;
    };
    // Returns the no-op and the floor for the way in which `what` is run. Where the way is new
    // they are added to the stopwatch with this packet, which the floor then knows. What is added points into this
    // object.
    Result<Pair> beside(Stopwatch& stopwatch, const Timed& what);

private:
    Floors(Baseline baseline, Driver noop, Driver floor)
        : baseline_(std::move(baseline)), noop_(std::move(noop)), floor_(std::move(floor)) {}

    Baseline baseline_;
    Driver noop_, floor_;
    std::map<Driver::Way, Pair> pairs_;
};

}  // namespace edgefw::bench
