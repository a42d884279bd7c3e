// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/compare.h"

#include "userspace/engine/replay.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"
#include "userspace/packet/notation.h"

namespace edgefw::cli {
namespace {

// A table holds one packet's connection at most. To empty one of few entries takes less time.
constexpr std::uint32_t kConnections = 64;

// Made when the first packet comes: by the thread that judges.
class LateJudge {
public:
    explicit LateJudge(const kernel::Compiled& policy) : policy_(policy) {}

    Result<kernel::Judgement> judge(const packet::Packet& packet) {
        if (!judge_) {
            Result<kernel::Judge> made = kernel::Judge::of(policy_, kConnections);
            if (!made) return made.error();
            judge_.emplace(std::move(*made));
        }
        if (auto done = judge_->forget(); !done) return done.error();
        return judge_->judge(packet.side, packet.hook(), packet::frame(packet));
    }

private:
    const kernel::Compiled& policy_;
    std::optional<kernel::Judge> judge_;
};

}  // namespace

Result<Compared> compare(const engine::Built& before, const engine::Built& after) {
    Compared compared;
    compared.difference = difference::compare(before.policy, after.policy);
    if (!kernel::may_load_programs()) return compared;
    compared.replayed = true;
    LateJudge old_judge(before.compiled), new_judge(after.compiled);
    auto done = engine::replay(
        compared.difference, [&](const packet::Packet& packet) { return old_judge.judge(packet); },
        [&](const packet::Packet& packet) { return new_judge.judge(packet); });
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
    return engine::build_again(*sources, hosts, false);
}

}  // namespace edgefw::cli
