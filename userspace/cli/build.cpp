// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/build.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "userspace/cli/policy_judge.h"
#include "userspace/engine/policy_tests.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"
#include "userspace/packet/notation.h"

namespace edgefw::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kShortPatience{3};

// The hosts in force, whose addresses stay where there is no answer; none where nobody may look.
std::vector<policy::Host> hosts_before() {
    std::vector<policy::Host> all;
    const auto in_force = kernel::hosts_in_force();
    if (!in_force) return all;
    for (const kernel::HostsInForce& entry : *in_force) {
        const Result<image::Hosts> hosts = image::parse_hosts(entry.text);
        if (hosts) all.insert(all.end(), hosts->hosts.begin(), hosts->hosts.end());
    }
    // The newest answer of each first.
    std::stable_sort(all.begin(), all.end(),
                     [](const policy::Host& a, const policy::Host& b) { return a.resolved > b.resolved; });
    return all;
}

Result<Ok> resolve_hosts(policy::Policy& policy, const GlobalOptions& options, Wanted wanted) {
    Result<names::Fixed> fixed = names::parse_fixed(options.resolve);
    if (!fixed) return fixed.error();
    if (policy.hosts.empty()) return Ok{};
    Result<names::Resolver> resolver = names::Resolver::create(options.resolver);
    if (!resolver) return resolver.error();
    const auto patience = wanted == Wanted::kInForce ? kShortPatience : kPatience;
    const auto ask = [&](const std::vector<std::string>& names) { return resolver->ask(names, patience); };
    names::resolve(policy, {std::move(*fixed), hosts_before(), wanted}, ask, std::time(nullptr));
    return Ok{};
}

}  // namespace

engine::World world_of(Context& context, Wanted wanted) {
    return {context.profiles,
            [&context, wanted](policy::Policy& policy) { return resolve_hosts(policy, context.options, wanted); },
            [&context](const std::string& warning) { context.log.warn("warning: {}", warning); },
            [&context](const std::string& line) { context.log.debug("{}", line); }};
}

Result<Ok> run_policy_tests(const engine::Built& built, Context& context) {
    const std::vector<policy::PolicyTest>& tests = built.policy.tests;
    if (tests.empty()) return Ok{};
    const Clock::time_point begin = Clock::now();
    Result<PolicyJudge> judge = PolicyJudge::of(built.compiled);
    if (!judge) return judge.error();
    const auto judge_packet = [&](const packet::Packet& packet) {
        return judge->judge(packet.side, packet.hook(), packet::frame(packet));
    };
    if (auto done = engine::run_tests(tests, judge_packet); !done) return done.error();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    context.log.debug("tests: {} passed, {} ms", tests.size(), took.count());
    return Ok{};
}

Result<engine::Built> build_and_test(const engine::Source& source, Context& context, Wanted wanted) {
    Result<engine::Built> built = engine::build(source, world_of(context, wanted));
    if (!built) return built.error();
    if (auto done = run_policy_tests(*built, context); !done) return done.error();
    return built;
}

}  // namespace edgefw::cli
