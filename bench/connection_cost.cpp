// SPDX-License-Identifier: GPL-2.0-only
#include "bench/connection_cost.h"

#include "bench/connection_kind.h"
#include "bench/driver.h"
#include "bench/floors.h"
#include "bench/instance.h"
#include "bench/stopwatch.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kAck = 0x10;

// Indexes of the stopwatch.
struct Figure {
    std::size_t edgefw = 0, floor = 0;
};

// A kind, loaded, and what is timed of it.
struct Subject {
    const ConnectionKind* kind;
    Instance instance;
    Driver driver;
    Figure received, sent, opening;
};

Result<Subject> load(const ConnectionKind& kind) {
    auto instance = Instance::load(kind.policy);
    if (!instance) return instance.error();
    auto driver = Driver::load(instance->received(), instance->sent());
    if (!driver) return driver.error();
    return Subject{&kind, std::move(*instance), std::move(*driver), {}, {}, {}};
}

Timed established(const ConnectionKind& kind, const packet::Packet& answer, packet::Packet packet) {
    Timed what;
    packet.tcp_flags = kAck;
    what.way = packet.hook() == EDGEFW_RECEIVED ? Driver::Way::kRewoundReceived : Driver::Way::kRewoundSent;
    what.outcome = {packet.hook(), EDGEFW_PASS, EDGEFW_REASON_CONNECTION};
    what.packet = packet;
    what.before = {kind.opener, answer, kind.confirmation};
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

Result<Ok> add(Stopwatch& stopwatch, Floors& floors, const Subject& subject, Timed what, Figure& figure) {
    auto beside = floors.beside(stopwatch, what);
    if (!beside) return beside.error();
    what.driver = &subject.driver;
    what.instance = &subject.instance;
    what.less = beside->noop;
    figure = {stopwatch.add(std::move(what)), beside->floor};
    return Ok{};
}

Result<Ok> add_all(Stopwatch& stopwatch, Floors& floors, Subject& subject) {
    const ConnectionKind& kind = *subject.kind;
    const bool is_inbound = kind.opener.hook() == EDGEFW_RECEIVED;
    auto answer = answer_of(kind, subject.instance);
    if (!answer) return answer.error();
    const Timed received = established(kind, *answer, is_inbound ? kind.confirmation : *answer);
    const Timed sent = established(kind, *answer, is_inbound ? *answer : kind.confirmation);
    if (auto added = add(stopwatch, floors, subject, received, subject.received); !added) return added;
    if (auto added = add(stopwatch, floors, subject, sent, subject.sent); !added) return added;
    return add(stopwatch, floors, subject, opening(kind), subject.opening);
}

}  // namespace

Result<std::vector<ConnectionCost>> measure_connection_costs(int rounds) {
    auto kinds = connection_kinds();
    if (!kinds) return kinds.error();
    auto floors = Floors::load();
    if (!floors) return floors.error();
    std::vector<Subject> subjects;
    subjects.reserve(kinds->size());  // what is timed points into it
    Stopwatch stopwatch;
    for (const ConnectionKind& kind : *kinds) {
        if (!kind.is_ipv4()) continue;
        auto subject = load(kind);
        if (!subject) return subject.error();
        subjects.push_back(std::move(*subject));
        if (auto added = add_all(stopwatch, *floors, subjects.back()); !added) return added.error();
    }
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();
    std::vector<ConnectionCost> costs;
    for (const Subject& subject : subjects) {
        auto cost = [&](const Figure& figure, double target) -> Cost {
            return {stopwatch.cost(figure.edgefw), stopwatch.cost(figure.floor), target};
        };
        const double target = subject.kind->established_target;
        costs.push_back(
            {subject.kind->name, cost(subject.received, target), cost(subject.sent, target), cost(subject.opening, 0)});
    }
    return costs;
}

}  // namespace edgefw::bench
