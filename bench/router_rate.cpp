// SPDX-License-Identifier: GPL-2.0-only
#include "bench/router_rate.h"

#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/router.h"
#include "bench/router_filter.h"
#include "bench/traffic.h"
#include "maps/connection.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;
constexpr int kRounds = 3;
constexpr std::uint32_t kOpeningBurst = 4'096, kOpeningBursts = 8;  // fewer than the smaller table of edgefw holds
constexpr std::uint32_t kForwardBurst = 10'000, kForwardBursts = 3;
constexpr std::uint32_t kFlows = 1'024;
constexpr std::size_t kPayload = 64;
constexpr double kEntered = 0.99;  // share of the openings that must be in the table, and of the flows

// Keeps the fastest burst of each figure.
void keep(double& best, const Burst& burst) {
    best = std::max(best, burst.rate());
}

// A filter in place and the flows through it.
class Visit {
public:
    Visit(const Traffic& traffic, const RouterFilter& filter, RouterRate& rate)
        : traffic_(traffic), filter_(filter), rate_(rate) {}

    Result<Ok> measure() {
        if (auto done = open_by_handshake(); !done) return done;
        if (auto done = forward(stream(IPPROTO_TCP, kAck, kPayload, kFlows), rate_.tcp); !done) return done;
        if (auto done = answer_udp(); !done) return done;
        if (auto done = forward(stream(IPPROTO_UDP, 0, kPayload, kFlows), rate_.udp); !done) return done;
        return filter_.sink ? open_into_sink() : Ok{};
    }

private:
    Stream stream(std::uint8_t protocol, std::uint8_t flags, std::size_t payload, std::uint32_t remotes) const {
        return {to_router(protocol, flags, filter_.translates), payload, remotes, false};
    }

    // Fails when the filter did not enter what came through: then another thing was measured.
    Result<Ok> open(const Stream& syns, double& best) const {
        std::uint64_t before = 0, opened = 0;
        if (auto read = read_entries(before); !read) return read;
        for (std::uint32_t i = 0; i < kOpeningBursts; i++) {
            auto burst = traffic_.send(syns, i * kOpeningBurst, kOpeningBurst);
            if (!burst) return burst.error();
            if (burst->arrived == 0) return failed(filter_.who + ": no connection was opened");
            opened += burst->in_the_end;
            keep(best, *burst);
        }
        std::uint64_t after = 0;
        if (auto read = read_entries(after); !read) return read;
        if (!filter_.entries || static_cast<double>(after - before) >= kEntered * static_cast<double>(opened))
            return Ok{};
        return failed(filter_.who + " entered " + std::to_string(after - before) + " of " + std::to_string(opened) +
                      " connections: another thing was measured");
    }

    Result<Ok> read_entries(std::uint64_t& entries) const {
        if (!filter_.entries) return Ok{};
        auto read = filter_.entries();
        if (!read) return read.error();
        entries = *read;
        return Ok{};
    }

    Result<Ok> open_by_handshake() {
        auto client = traffic_.put(Traffic::Place::kAcknowledge);
        if (!client) return client.error();
        auto server = traffic_.put(Traffic::Place::kAnswer);
        if (!server) return server.error();
        return open(stream(IPPROTO_TCP, kSyn, 0, 65'536), rate_.handshakes);
    }

    // Opens connections from remotes that were not used before.
    Result<Ok> open_into_sink() {
        auto sink = traffic_.put(*filter_.sink);
        if (!sink) return sink.error();
        Stream syns = stream(IPPROTO_TCP, kSyn, 0, 65'536);
        syns.packet.source.value += 0x10000;
        return open(syns, rate_.openings);
    }

    // One datagram of each flow, its answer, and another one two seconds later: then both filters take it as one that
    // goes on.
    Result<Ok> answer_udp() const {
        auto client = traffic_.put(Traffic::Place::kSinkAnswers);
        if (!client) return client.error();
        auto server = traffic_.put(Traffic::Place::kSinkWire);
        if (!server) return server.error();
        const Stream answers = {from_target(IPPROTO_UDP), kPayload, kFlows, true};
        const Stream datagrams = stream(IPPROTO_UDP, 0, kPayload, kFlows);
        for (const Stream* stream : {&datagrams, &answers, &datagrams}) {
            auto sent = traffic_.send(*stream, 0, kFlows);
            if (!sent) return sent.error();
            if (sent->in_the_end < kEntered * kFlows)
                return failed(filter_.who + ": the flows of UDP did not get through");
            if (stream == &answers)
                std::this_thread::sleep_for(std::chrono::milliseconds(1000 * EDGEFW_SETTLED_SECONDS + 100));
        }
        return Ok{};
    }

    Result<Ok> forward(const Stream& stream, double& best) const {
        auto server = traffic_.put(Traffic::Place::kSinkWire);
        if (!server) return server.error();
        for (std::uint32_t i = 0; i < kForwardBursts; i++) {
            auto burst = traffic_.send(stream, 0, kForwardBurst);
            if (!burst) return burst.error();
            if (burst->arrived == 0) return failed(filter_.who + ": no packet came through the router");
            keep(best, *burst);
        }
        return Ok{};
    }

    const Traffic& traffic_;
    const RouterFilter& filter_;
    RouterRate& rate_;
};

// Put in place, visited, and taken away again whatever came of it.
Result<Ok> take_turn(const Traffic& traffic, const RouterFilter& filter, RouterRate& rate) {
    if (auto started = filter.start(); !started) {
        rate.note = started.error().message;
        return Ok{};
    }
    auto measured = Visit(traffic, filter, rate).measure();
    auto stopped = filter.stop();
    return measured ? stopped : measured;
}

}  // namespace

Result<std::vector<RouterRate>> measure_router(const Lab& lab) {
    auto router = Router::create(lab);
    if (!router) return router.error();
    auto traffic = Traffic::load(*router, router_target(), router_target_port());
    if (!traffic) return traffic.error();
    auto filters = router_filters(*router);
    if (!filters) return filters.error();
    std::vector<RouterRate> rates;
    for (const auto& filter : *filters) {
        rates.emplace_back();
        rates.back().who = filter.who;
        rates.back().is_compared = filter.is_compared;
    }
    for (int round = 0; round < kRounds; round++) {
        for (std::size_t i = 0; i < filters->size(); i++) {
            if (!rates[i].note.empty()) continue;
            if (auto done = take_turn(*traffic, (*filters)[i], rates[i]); !done) return done.error();
        }
    }
    return rates;
}

}  // namespace edgefw::bench
