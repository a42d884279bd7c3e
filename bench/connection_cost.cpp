#include "bench/connection_cost.h"

#include "bench/baseline.h"
#include "bench/connection_kind.h"
#include "bench/driver.h"
#include "bench/instance.h"
#include "bench/stopwatch.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kAck = 0x10;

// A kind, loaded, and the indexes of what is timed of it.
struct Subject {
    const ConnectionKind* kind;
    Instance instance;
    Baseline baseline;
    Driver driver, floor, noop;
    struct Figure {
        std::size_t edgefw = 0, floor = 0;
    } received, sent, opening;
};

Result<Subject> load(const ConnectionKind& kind) {
    auto instance = Instance::load(kind.policy);
    if (!instance) return instance.error();
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    auto driver = Driver::load(instance->received(), instance->sent());
    if (!driver) return driver.error();
    auto floor = Driver::load(baseline->floor_received(), baseline->floor_sent());
    if (!floor) return floor.error();
    auto noop = Driver::load(baseline->noop_received(), baseline->noop_sent());
    if (!noop) return noop.error();
    return Subject{&kind,
                   std::move(*instance),
                   std::move(*baseline),
                   std::move(*driver),
                   std::move(*floor),
                   std::move(*noop),
                   {},
                   {},
                   {}};
}

// The same packet through the no-op, the floor and edgefw.
Subject::Figure add(Stopwatch& stopwatch, const Subject& subject, Timed what) {
    Subject::Figure figure;
    Timed beside = what;
    beside.instance = nullptr;
    beside.before.clear();
    beside.fills_table = false;
    beside.driver = &subject.noop;
    what.less = beside.less = stopwatch.add(beside);
    beside.driver = &subject.floor;
    figure.floor = stopwatch.add(beside);
    what.driver = &subject.driver;
    what.instance = &subject.instance;
    figure.edgefw = stopwatch.add(std::move(what));
    return figure;
}

Timed established(const ConnectionKind& kind, packet::Packet packet) {
    Timed what;
    packet.tcp_flags = kAck;
    what.way = packet.hook() == EDGEFW_RECEIVED ? Driver::Way::kRewoundReceived : Driver::Way::kRewoundSent;
    what.outcome = {packet.hook(), EDGEFW_PASS, EDGEFW_REASON_CONNECTION};
    what.packet = packet;
    what.before = {kind.opener, kind.answer, kind.confirmation};
    return what;
}

Timed opening(const ConnectionKind& kind) {
    Timed what;
    const edgefw_hook hook = kind.opener.hook();
    what.way = hook == EDGEFW_RECEIVED ? Driver::Way::kRewoundRotatedReceived : Driver::Way::kRewoundRotatedSent;
    what.outcome = {hook, EDGEFW_PASS, EDGEFW_REASON_RULE};
    what.packet = kind.opener;
    what.repeat = Driver::kMostPorts;
    what.fills_table = true;
    return what;
}

Result<Ok> add_all(Stopwatch& stopwatch, Subject& subject) {
    const ConnectionKind& kind = *subject.kind;
    const bool is_inbound = kind.opener.hook() == EDGEFW_RECEIVED;
    const packet::Packet& received = is_inbound ? kind.confirmation : kind.answer;
    const packet::Packet& sent = is_inbound ? kind.answer : kind.confirmation;
    // The floor translates nothing: it knows the packets as they are on the wire.
    for (const packet::Packet* packet : {&received, &sent}) {
        if (auto learnt = subject.baseline.learn(*packet); !learnt) return learnt;
    }
    subject.received = add(stopwatch, subject, established(kind, received));
    subject.sent = add(stopwatch, subject, established(kind, sent));
    subject.opening = add(stopwatch, subject, opening(kind));
    return Ok{};
}

}  // namespace

Result<std::vector<ConnectionCost>> measure_connection_costs(int rounds) {
    auto kinds = connection_kinds();
    if (!kinds) return kinds.error();
    std::vector<Subject> subjects;
    subjects.reserve(kinds->size());  // what is timed points into it
    Stopwatch stopwatch;
    for (const ConnectionKind& kind : *kinds) {
        if (!kind.is_ipv4()) continue;
        auto subject = load(kind);
        if (!subject) return subject.error();
        subjects.push_back(std::move(*subject));
        if (auto added = add_all(stopwatch, subjects.back()); !added) return added.error();
    }
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();
    std::vector<ConnectionCost> costs;
    for (const Subject& subject : subjects) {
        auto cost = [&](const Subject::Figure& figure, double target) -> Cost {
            return {stopwatch.cost(figure.edgefw), stopwatch.cost(figure.floor), target};
        };
        const double target = subject.kind->established_target;
        costs.push_back(
            {subject.kind->name, cost(subject.received, target), cost(subject.sent, target), cost(subject.opening, 0)});
    }
    return costs;
}

}  // namespace edgefw::bench
