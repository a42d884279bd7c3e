// SPDX-License-Identifier: GPL-2.0-only
#include "bench/breakdown.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <netinet/in.h>

#include "bench/baseline.h"
#include "bench/driver.h"
#include "bench/instance.h"
#include "bench/services.h"
#include "bench/stopwatch.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10, kSynAck = 0x12;
constexpr Outcome kDropped = {EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_DEFAULT};
constexpr Outcome kPassed = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_RULE};
constexpr Outcome kKnown = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_CONNECTION};

struct Variant {
    std::string name;
    policy::Policy policy;
    packet::Packet packet;
    std::vector<packet::Packet> before;
    Outcome outcome;
    Recording recording = Recording::kOff;
};

policy::Policy without_forwards(policy::Policy policy) {
    policy.forwards.clear();
    return policy;
}

policy::Policy stateless(policy::Policy policy) {
    for (auto& rule : policy.rules)
        rule.state = policy::State::kNone;
    return policy;
}

policy::Policy inbound_only(policy::Policy policy) {
    for (auto& rule : policy.rules)
        rule.direction = policy::Direction::kInbound;
    return policy;
}

policy::Policy tcp_only(policy::Policy policy) {
    std::erase_if(policy.rules, [](const policy::Rule& rule) { return rule.protocol != IPPROTO_TCP; });
    return policy;
}

policy::Policy without_builtins(policy::Policy policy) {
    policy.builtins = 0;
    return policy;
}

policy::Policy without_rules(policy::Policy policy) {
    policy.rules.clear();
    return policy;
}

std::vector<Variant> variants() {
    const policy::Policy full = policy_of(further_services(10));
    const policy::Policy plain = without_forwards(full);
    const policy::Policy rules_only = stateless(plain);
    packet::Packet closed = web(kSyn);
    closed.destination_port = 22;
    packet::Packet stray = media();
    stray.destination_port = 22;
    const packet::Packet syn = web(kSyn), ack = web(kAck);
    const std::vector<packet::Packet> opened = {syn, reply_to(syn, kSynAck), ack};
    const std::vector<packet::Packet> media_opened = {media(), reply_to(media(), 0)};
    return {
        {"SYN dropped: no rules, no built-ins (dissect, account)",
         without_builtins(without_rules(plain)),
         closed,
         {},
         kDropped},
        {"SYN dropped: no rules", without_rules(plain), closed, {}, kDropped},
        {"SYN dropped: 13 stateless rules (one walk)", rules_only, closed, {}, kDropped},
        {"SYN dropped: stateful inbound rules", inbound_only(plain), closed, {}, kDropped},
        {"SYN dropped: stateful rules both ways (two walks)", plain, closed, {}, kDropped},
        {"  and recorded: the bucket is empty", plain, closed, {}, kDropped, Recording::kBucketEmpty},
        {"  and recorded: its flow has a record of this second", plain, closed, {}, kDropped, Recording::kCounts},
        {"  and recorded: a record is written", plain, closed, {}, kDropped, Recording::kWrites},
        {"SYN dropped: and a port forward", full, closed, {}, kDropped},
        {"UDP dropped: stateful rules both ways (one walk, no table)", tcp_only(plain), stray, {}, kDropped},
        {"UDP dropped: and some of UDP (the tables first)", plain, stray, {}, kDropped},
        {"stateless pass (one walk, one more counter)", rules_only, syn, {}, kPassed},
        {"established TCP: stateful rules", plain, ack, opened, kKnown},
        {"established TCP: no built-ins", without_builtins(plain), ack, opened, kKnown},
        {"established TCP: and a port forward", full, ack, opened, kKnown},
        {"established UDP: stateful rules", plain, media(), media_opened, kKnown},
    };
}

// Size of a program after the verifier and after the JIT.
Result<Ok> describe(int program, Step& step) {
    bpf_prog_info info = {};
    __u32 size = sizeof(info);
    if (bpf_prog_get_info_by_fd(program, &info, &size) != 0) return failed("the kernel does not describe a program");
    step.instructions = info.xlated_prog_len / 8;
    step.bytes = info.jited_prog_len;
    return Ok{};
}

Timed timed(const Driver& driver, const packet::Packet& packet, std::optional<std::size_t> less) {
    Timed what;
    what.driver = &driver;
    what.packet = packet;
    what.less = less;
    return what;
}

// The entry program with a judging program that does nothing behind it.
Result<Instance> entry_alone(const Baseline& baseline) {
    auto instance = Instance::load(policy::Policy());
    if (!instance) return instance.error();
    if (auto replaced = instance->judge_with(baseline.noop_received(), baseline.noop_sent()); !replaced)
        return replaced.error();
    return instance;
}

struct Subject {
    Instance instance;
    Driver driver;
};

Result<Subject> driven(Result<Instance> instance) {
    if (!instance) return instance.error();
    auto driver = Driver::load(instance->received(), instance->sent());
    if (!driver) return driver.error();
    return Subject{std::move(*instance), std::move(*driver)};
}

Result<Ok> add_variants(Stopwatch& stopwatch, std::size_t noop, std::vector<Subject>& subjects,
                        std::vector<Step>& steps) {
    const auto all = variants();
    subjects.reserve(all.size());  // what is timed points into it
    for (const auto& variant : all) {
        auto subject = driven(Instance::load(variant.policy, EDGEFW_CONNECTIONS_DEFAULT, variant.recording));
        if (!subject) return subject.error();
        subjects.push_back(std::move(*subject));
        Timed what = timed(subjects.back().driver, variant.packet, noop);
        what.instance = &subjects.back().instance;
        what.before = variant.before;
        what.outcome = variant.outcome;
        stopwatch.add(std::move(what));
        steps.push_back({variant.name});
        auto described = describe(subjects.back().instance.judging().received.get(), steps.back());
        if (!described) return described;
    }
    return Ok{};
}

}  // namespace

Result<std::vector<Step>> measure_breakdown(int rounds) {
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    if (auto learnt = baseline->learn(web(kAck)); !learnt) return learnt.error();
    auto noop = Driver::load(baseline->noop_received(), baseline->noop_sent());
    if (!noop) return noop.error();
    auto floor = Driver::load(baseline->floor_received(), baseline->floor_sent());
    if (!floor) return floor.error();
    auto entry = driven(entry_alone(*baseline));
    if (!entry) return entry.error();

    Stopwatch stopwatch;
    const std::size_t first = stopwatch.add(timed(*noop, web(kAck), {}));
    std::vector<Step> steps = {{"floor"}, {"entry program and tail call to a no-op"}};
    stopwatch.add(timed(*floor, web(kAck), first));
    stopwatch.add(timed(entry->driver, web(kAck), first));
    std::vector<Subject> subjects;
    if (auto added = add_variants(stopwatch, first, subjects, steps); !added) return added.error();
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();
    for (std::size_t i = 0; i < steps.size(); i++)
        steps[i].nanoseconds = stopwatch.cost(first + 1 + i);
    return steps;
}

}  // namespace edgefw::bench
