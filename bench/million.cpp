// SPDX-License-Identifier: GPL-2.0-only
#include "bench/million.h"

#include <algorithm>

#include "bench/baseline.h"
#include "bench/connection_kind.h"
#include "bench/driver.h"
#include "bench/instance.h"
#include "bench/stopwatch.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kMillion = 1'000'000, kFew = 1'000;
// A little more than a million: an LRU table gives up old entries before the last one is taken, because each processor
// keeps some free ones for itself.
constexpr std::uint32_t kEntries = 1'048'576;
constexpr std::uint32_t kWindow = 31'250;   // opened at a time: fewer than may be half open
constexpr std::uint32_t kStride = 618'033;  // no factor in common with a million or a thousand
constexpr Outcome kKnown = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_CONNECTION};

// edgefw and the floor, each with a driver.
struct Subject {
    Instance instance;
    Baseline baseline;
    Driver driver, floor, noop;
};

Result<Subject> load(const ConnectionKind& kind, std::uint32_t entries) {
    auto instance = Instance::load(kind.policy, entries);
    if (!instance) return instance.error();
    auto baseline = Baseline::load(entries);
    if (!baseline) return baseline.error();
    auto driver = Driver::load(instance->received(), instance->sent());
    if (!driver) return driver.error();
    auto floor = Driver::load(baseline->floor_received(), baseline->floor_sent());
    if (!floor) return floor.error();
    auto noop = Driver::load(baseline->noop_received(), baseline->noop_sent());
    if (!noop) return noop.error();
    return Subject{std::move(*instance), std::move(*baseline), std::move(*driver), std::move(*floor), std::move(*noop)};
}

// A handshake of each of `count` remotes, through the real programs.
Result<Ok> open(Subject& subject, const ConnectionKind& kind, std::uint32_t count) {
    auto answer = answer_of(kind, subject.instance);
    if (!answer) return answer.error();
    if (auto forgotten = subject.instance.forget(); !forgotten) return forgotten;
    for (std::uint32_t first = 0; first < count; first += kWindow) {
        const std::uint32_t window = std::min(kWindow, count - first);
        const Driver::Spread spread = {first, 1, count};
        for (const packet::Packet& packet : {kind.opener, *answer, kind.confirmation}) {
            const bool is_received = packet.hook() == EDGEFW_RECEIVED;
            const auto way = is_received ? Driver::Way::kSpreadReceived : Driver::Way::kSpreadSent;
            auto ran = subject.driver.time(way, packet, window, spread);
            if (!ran) return ran.error();
        }
    }
    std::vector<edgefw_connection4_key> keys(count);
    for (std::uint32_t i = 0; i < count; i++)
        keys[i] = key_of(Driver::with_remote(kind.confirmation, i));
    return subject.baseline.learn(keys);
}

struct Figure {
    std::string name;
    std::size_t floor = 0, edgefw = 0;
};

// An established packet of `count` connections in turn.
Figure add(Stopwatch& stopwatch, const std::string& name, const Subject& subject, const ConnectionKind& kind,
           std::uint32_t count) {
    Timed what;
    what.way = Driver::Way::kSpreadReceived;
    what.packet = kind.confirmation;
    what.spread = {0, kStride, count};
    what.repeat = std::max(count, what.repeat);
    what.driver = &subject.noop;
    what.less = stopwatch.add(what);
    what.driver = &subject.floor;
    Figure figure = {name, stopwatch.add(what), 0};
    what.driver = &subject.driver;
    what.instance = &subject.instance;
    what.outcome = kKnown;
    figure.edgefw = stopwatch.add(what);
    return figure;
}

}  // namespace

Result<Million> measure_million(int rounds) {
    auto kinds = connection_kinds();
    if (!kinds) return kinds.error();
    const ConnectionKind& kind = kinds->front();
    auto few = load(kind, EDGEFW_CONNECTIONS_DEFAULT);
    if (!few) return few.error();
    auto many = load(kind, kEntries);
    if (!many) return many.error();
    if (auto opened = open(*few, kind, kFew); !opened) return opened.error();
    if (auto opened = open(*many, kind, kMillion); !opened) return opened.error();
    Million million;
    million.entries = kEntries;
    million.opened = kMillion;
    million.held = many->instance.connections();
    Stopwatch stopwatch;
    const Figure figures[] = {
        add(stopwatch, "1,000 connections, each in turn", *few, kind, kFew),
        add(stopwatch, "1,000,000 connections, 1,000 of them in turn", *many, kind, kFew),
        add(stopwatch, "1,000,000 connections, each in turn", *many, kind, kMillion),
    };
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();
    for (const Figure& figure : figures)
        million.rows.push_back({figure.name, {stopwatch.cost(figure.edgefw), stopwatch.cost(figure.floor), 0}});
    return million;
}

}  // namespace edgefw::bench
