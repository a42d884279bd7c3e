// SPDX-License-Identifier: GPL-2.0-only
// Times programs against each other on a machine that is not quiet: every round runs each of them once, and the best
// round counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/driver.h"
#include "bench/instance.h"

namespace edgefw::bench {

struct Timed {
    const Driver* driver = nullptr;
    Driver::Way way = Driver::Way::kReceived;
    packet::Packet packet;
    std::uint32_t repeat = 20'000;
    Driver::Spread spread;            // of the ways that spread
    std::optional<std::size_t> less;  // what its cost is above: the no-op run in the same way

    // Where an instance is timed: the packets that it must have seen before, and how every packet of the run must end.
    const Instance* instance = nullptr;
    std::vector<packet::Packet> before;
    Outcome outcome;
    bool fills_table = false;  // each repetition leaves a connection: they are removed afterwards
};

class Stopwatch {
public:
    std::size_t add(Timed timed);
    // Fails when a packet ended otherwise than it should: then another thing was timed.
    Result<Ok> run(int rounds);
    // Nanoseconds a packet above its no-op, and by itself with what drives it.
    double cost(std::size_t index) const;
    double raw(std::size_t index) const { return best_[index]; }

private:
    Result<Ok> run_one(std::size_t index);

    std::vector<Timed> timed_;
    std::vector<double> best_;
};

}  // namespace edgefw::bench
