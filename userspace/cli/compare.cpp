// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/compare.h"

#include <algorithm>

#include "userspace/engine/replay.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"
#include "userspace/packet/notation.h"

namespace edgefw::cli {
namespace {

// A table holds one packet's connection at most.
constexpr std::uint32_t kConnections = 1024;

engine::JudgePacket judge_with(kernel::Judge& judge) {
    return [&judge](const packet::Packet& packet) -> Result<kernel::Judgement> {
        if (auto done = judge.forget(); !done) return done.error();
        return judge.judge(packet.side, packet.hook(), packet::frame(packet));
    };
}

}  // namespace

Result<Compared> compare(const engine::Built& before, const engine::Built& after) {
    Compared compared;
    compared.difference = difference::compare(before.policy, after.policy);
    if (!kernel::may_load_programs()) return compared;
    compared.replayed = true;
    const auto& changes = compared.difference.changes;
    if (std::none_of(changes.begin(), changes.end(), [](const auto& change) { return change.witness.has_value(); }))
        return compared;
    Result<kernel::Judge> old_judge = kernel::Judge::of(before.compiled, kConnections);
    if (!old_judge) return old_judge.error();
    Result<kernel::Judge> new_judge = kernel::Judge::of(after.compiled, kConnections);
    if (!new_judge) return new_judge.error();
    auto done = engine::replay(compared.difference, judge_with(*old_judge), judge_with(*new_judge));
    if (!done) return done.error();
    return compared;
}

Result<engine::Built> build_in_force(const std::optional<std::string>& interface, const policy::Policy& after) {
    const Result<std::string> text = kernel::sources_in_force(interface);
    if (!text) return text.error();
    if (text->empty())
        return failed("no policy is in force to compare with: run 'edgefw push FILE', or name two files");
    const Result<document::Sources> sources = document::read_sources(*text);
    if (!sources) return sources.error();
    std::vector<policy::Host> hosts = after.hosts;
    const Result<std::vector<kernel::HostsInForce>> in_force = kernel::hosts_in_force();
    if (!in_force) return in_force.error();
    for (const kernel::HostsInForce& entry : *in_force) {
        const Result<image::Hosts> known = image::parse_hosts(entry.text);
        if (!known) return known.error();
        hosts.insert(hosts.end(), known->hosts.begin(), known->hosts.end());
    }
    return engine::build_again(*sources, hosts);
}

}  // namespace edgefw::cli
