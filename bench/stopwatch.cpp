// SPDX-License-Identifier: GPL-2.0-only
#include "bench/stopwatch.h"

#include <netinet/in.h>

#include <algorithm>
#include <limits>

namespace edgefw::bench {
namespace {

// Nanoseconds a packet; what the packets left in the tables is removed again.
Result<double> run_and_forget(const Timed& timed) {
    auto nanoseconds = timed.driver->time(timed.way, timed.packet, timed.repeat, timed.spread);
    if (nanoseconds && timed.fills_table) {
        if (auto forgotten = timed.instance->forget(); !forgotten) return forgotten.error();
    }
    return nanoseconds;
}

}  // namespace

std::size_t Stopwatch::add(Timed timed) {
    timed_.push_back(std::move(timed));
    best_.push_back(std::numeric_limits<double>::infinity());
    return timed_.size() - 1;
}

Result<Ok> Stopwatch::run(int rounds) {
    for (int round = 0; round < rounds; round++) {
        for (std::size_t i = 0; i < timed_.size(); i++) {
            if (auto done = run_one(i); !done) return done;
        }
    }
    return Ok{};
}

Result<Ok> Stopwatch::run_one(std::size_t index) {
    const Timed& timed = timed_[index];
    for (const auto& packet : timed.before) {
        if (auto passed = timed.instance->pass(packet); !passed) return passed.error();
    }
    if (!timed.before.empty() && timed.packet.protocol != IPPROTO_TCP) {
        if (auto settled = timed.instance->settle(); !settled) return settled;
    }
    std::uint64_t before = 0;
    if (timed.instance != nullptr) {
        auto count = timed.instance->count(timed.outcome);
        if (!count) return count.error();
        before = *count;
    }
    auto nanoseconds = run_and_forget(timed);
    if (!nanoseconds) return nanoseconds.error();
    best_[index] = std::min(best_[index], *nanoseconds);
    if (timed.instance == nullptr) return Ok{};
    auto after = timed.instance->count(timed.outcome);
    if (!after) return after.error();
    if (*after - before == timed.repeat) return Ok{};
    return failed("measurement " + std::to_string(index) + ": " + std::to_string(*after - before) + " of " +
                  std::to_string(timed.repeat) + " packets ended as they should");
}

double Stopwatch::cost(std::size_t index) const {
    const auto& less = timed_[index].less;
    return best_[index] - (less ? best_[*less] : 0);
}

}  // namespace edgefw::bench
