// SPDX-License-Identifier: GPL-2.0-only
#include "bench/packet_path.h"

#include <iterator>

#include "bench/baseline.h"
#include "bench/driver.h"
#include "bench/instance.h"
#include "bench/services.h"
#include "bench/stopwatch.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10, kSynAck = 0x12;
constexpr std::uint16_t kClosedPort = 22;

constexpr Outcome kKnownReceived = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_CONNECTION};
constexpr Outcome kKnownSent = {EDGEFW_SENT, EDGEFW_PASS, EDGEFW_REASON_CONNECTION};
constexpr Outcome kPassedByRule = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_RULE};
constexpr Outcome kDroppedByDefault = {EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_DEFAULT};

// One way to run programs, with its no-op and its floor.
struct Way {
    std::size_t noop = 0;
    std::size_t floor = 0;
};

struct Ways {
    Way received, reopened, rotated, rewound_received, rewound_sent;
};

struct Row {
    const char* name;
    Way Ways::*way;
    double target;       // but with the most rules
    double most_target;  // with 10,000
};

enum RowIndex {
    kTcp,
    kMedia,
    kForwardReceived,
    kForwardSent,
    kOpensFirst,
    kOpensLast,
    kOpensDistinct,
    kClosed,
    kUnlisted,
    kStatelessFirst,
    kStatelessLast,
    kRows
};

constexpr Row kRowOf[kRows] = {
    {"established, TCP", &Ways::received, 1.4, 1.4},
    {"established, UDP media", &Ways::received, 1.4, 1.4},
    {"established through the port forward, received", &Ways::rewound_received, 2.2, 2.2},
    {"established through the port forward, sent", &Ways::rewound_sent, 2.2, 2.2},
    {"SYN that opens, first further rule", &Ways::reopened, 3, 3},
    {"SYN that opens, last further rule", &Ways::reopened, 3, 3},
    {"SYN that opens, last further rule, 32,768 connections", &Ways::rotated, 0, 0},
    {"SYN to a closed port: default drop", &Ways::received, 1.3, 2.5},
    {"SYN from a remote in no list: default drop", &Ways::received, 1.3, 2.5},
    {"stateless pass, first further rule", &Ways::received, 0, 2.5},
    {"stateless pass, last further rule", &Ways::received, 0, 2.5},
};

// A policy, loaded, and what drives it.
struct Subject {
    Instance instance;
    Driver driver;
    std::size_t first = 0;  // of its rows among what is timed
};

Timed timed(const Driver& driver, Driver::Way way, const packet::Packet& packet) {
    Timed what;
    what.driver = &driver;
    what.way = way;
    what.packet = packet;
    return what;
}

Timed rotated(const Driver& driver, const packet::Packet& packet) {
    Timed what = timed(driver, Driver::Way::kRotatedReceived, packet);
    what.repeat = Driver::kMostPorts;
    return what;
}

// No-op and floor, run in each of the ways.
Ways add_ways(Stopwatch& stopwatch, const Driver& noop, const Driver& floor) {
    const packet::Packet ack = web(kAck), answer = reply_to(ack, kAck);
    auto add = [&](Timed what) -> Way {
        const std::size_t index = stopwatch.add(what);
        what.driver = &floor;
        what.less = index;
        return {index, stopwatch.add(what)};
    };
    Ways ways;
    ways.received = add(timed(noop, Driver::Way::kReceived, ack));
    ways.reopened = add(timed(noop, Driver::Way::kReopenedReceived, ack));
    ways.rotated = add(rotated(noop, ack));
    ways.rewound_received = add(timed(noop, Driver::Way::kRewoundReceived, ack));
    ways.rewound_sent = add(timed(noop, Driver::Way::kRewoundSent, answer));
    return ways;
}

std::vector<packet::Packet> handshake(const packet::Packet& syn, const packet::Packet& answer) {
    packet::Packet ack = syn;
    ack.tcp_flags = kAck;
    return {syn, answer, ack};
}

// In the order of RowIndex. The further services keep state and do not in turn.
std::vector<Timed> measurements(const Subject& subject, const std::vector<Service>& services) {
    const Service &first = services[0], &first_stateless = services[1];
    const Service &last = services[services.size() - 2], &last_stateless = services[services.size() - 1];
    packet::Packet closed = syn_to(last_stateless), unlisted = syn_to(last_stateless);
    closed.destination_port = kClosedPort;
    unlisted.source = stranger();
    const auto web_opened = handshake(web(kSyn), reply_to(web(kSyn), kSynAck));
    const auto forward_opened = handshake(forwarded(kSyn), gateway_reply(kSynAck));

    auto ending = [&](Timed what, Outcome outcome, std::vector<packet::Packet> before = {}) {
        what.instance = &subject.instance;
        what.outcome = outcome;
        what.before = std::move(before);
        return what;
    };
    auto driven = [&](Driver::Way way, const packet::Packet& packet) { return timed(subject.driver, way, packet); };
    auto received = [&](const packet::Packet& packet) { return driven(Driver::Way::kReceived, packet); };
    auto opening = [&](const Service& service) { return driven(Driver::Way::kReopenedReceived, syn_to(service)); };
    auto distinct = [&](const Service& service) {
        Timed what = rotated(subject.driver, syn_to(service));
        what.fills_table = true;
        return what;
    };
    return {
        ending(received(web(kAck)), kKnownReceived, web_opened),
        ending(received(media()), kKnownReceived, {media(), reply_to(media(), 0)}),
        ending(driven(Driver::Way::kRewoundReceived, forwarded(kAck)), kKnownReceived, forward_opened),
        ending(driven(Driver::Way::kRewoundSent, gateway_reply(kAck)), kKnownSent, forward_opened),
        ending(opening(first), kPassedByRule),
        ending(opening(last), kPassedByRule),
        ending(distinct(last), kPassedByRule),
        ending(received(closed), kDroppedByDefault),
        ending(received(unlisted), kDroppedByDefault),
        ending(received(syn_to(first_stateless)), kPassedByRule),
        ending(received(syn_to(last_stateless)), kPassedByRule),
    };
}

Result<Subject> load_subject(const std::vector<Service>& services) {
    auto instance = Instance::load(policy_of(services));
    if (!instance) return instance.error();
    auto driver = Driver::load(instance->received(), instance->sent(), instance->openings());
    if (!driver) return driver.error();
    return Subject{std::move(*instance), std::move(*driver)};
}

Result<std::vector<Subject>> add_subjects(Stopwatch& stopwatch, const Ways& ways) {
    std::vector<Subject> subjects;
    subjects.reserve(std::size(kFurtherRules));  // what is timed points into it
    for (const std::uint32_t further : kFurtherRules) {
        const auto services = further_services(further);
        auto subject = load_subject(services);
        if (!subject) return subject.error();
        subjects.push_back(std::move(*subject));
        auto all = measurements(subjects.back(), services);
        for (std::size_t row = 0; row < kRows; row++) {
            all[row].less = (ways.*kRowOf[row].way).noop;
            const std::size_t index = stopwatch.add(std::move(all[row]));
            if (row == 0) subjects.back().first = index;
        }
    }
    return subjects;
}

CostRow row_of(std::size_t row, const Stopwatch& stopwatch, const Ways& ways, const std::vector<Subject>& subjects) {
    CostRow result = {kRowOf[row].name, {}};
    const double floor = stopwatch.cost((ways.*kRowOf[row].way).floor);
    for (std::size_t i = 0; i < subjects.size(); i++) {
        const bool is_most = i + 1 == subjects.size();
        // A drop has a target for few rules and one for 10,000, and none between.
        const bool is_between = i > 0 && !is_most && kRowOf[row].target != kRowOf[row].most_target;
        const double target = is_most ? kRowOf[row].most_target : is_between ? 0 : kRowOf[row].target;
        result.costs.push_back({stopwatch.cost(subjects[i].first + row), floor, target});
    }
    return result;
}

// A packet that goes in and its answer that goes out.
CostRow both_hooks(const CostRow& received, const CostRow& sent) {
    CostRow both = {"established through the port forward, both hooks", {}};
    for (std::size_t i = 0; i < received.costs.size(); i++) {
        const Cost &in = received.costs[i], &out = sent.costs[i];
        both.costs.push_back({in.nanoseconds + out.nanoseconds, in.floor + out.floor, in.target});
    }
    return both;
}

}  // namespace

Result<PacketPath> measure_packet_path(int rounds) {
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    for (const auto& packet : {web(kAck), reply_to(web(kAck), kAck)}) {
        if (auto learnt = baseline->learn(packet); !learnt) return learnt.error();
    }
    auto noop = Driver::load(baseline->noop_received(), baseline->noop_sent());
    if (!noop) return noop.error();
    auto floor = Driver::load(baseline->floor_received(), baseline->floor_sent());
    if (!floor) return floor.error();
    Stopwatch stopwatch;
    const Ways ways = add_ways(stopwatch, *noop, *floor);
    const auto subjects = add_subjects(stopwatch, ways);
    if (!subjects) return subjects.error();
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();

    PacketPath path;
    path.noop_received = stopwatch.raw(ways.received.noop);
    path.noop_sent = stopwatch.raw(ways.rewound_sent.noop);
    for (std::size_t row = 0; row < kRows; row++) {
        path.rows.push_back(row_of(row, stopwatch, ways, *subjects));
        if (row == kForwardSent) path.rows.push_back(both_hooks(path.rows[kForwardReceived], path.rows[kForwardSent]));
        if (row == kClosed) path.default_drop = path.rows.back().costs.front();
    }
    return path;
}

}  // namespace edgefw::bench
