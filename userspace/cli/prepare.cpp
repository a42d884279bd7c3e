// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/prepare.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"
#include "userspace/names/resolve.h"
#include "userspace/packet/notation.h"
#include "userspace/show/explain.h"

namespace edgefw::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kShortPatience{3};

long milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
}

Result<Prepared> compile(policy::Policy policy, Context& context) {
    for (const std::string& warning : policy.warnings)
        context.log.warn("warning: {}", warning);
    const Clock::time_point begin = Clock::now();
    Result<image::Image> image = image::compile(policy);
    if (!image) return image.error();
    context.log.debug("compile: {} rules, {} nodes, {} tests, {} ms", policy.rules.size(), image->nodes.size(),
                      image->tests.size(), milliseconds_since(begin));
    kernel::Compiled compiled{std::move(*image), document::write(policy).dump(), policy.digest};
    return Prepared{std::move(policy), std::move(compiled)};
}

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

}  // namespace

Result<Ok> resolve_hosts(policy::Policy& policy, Context& context, Wanted wanted) {
    const Result<names::Fixed> fixed = names::parse_fixed(context.options.resolve);
    if (!fixed) return fixed.error();
    if (policy.hosts.empty()) return Ok{};
    Result<names::Resolver> resolver = names::Resolver::create(context.options.resolver);
    if (!resolver) return resolver.error();
    const Clock::time_point begin = Clock::now();
    const auto patience = wanted == Wanted::kInForce ? kShortPatience : kPatience;
    const auto ask = [&](const std::vector<std::string>& names) { return resolver->ask(names, patience); };
    names::resolve(policy, *fixed, hosts_before(), ask, std::time(nullptr), wanted);
    for (policy::PolicyTest& test : policy.tests)
        test.packet = names::with_addresses(test.packet, policy.hosts);
    context.log.debug("names: {} hosts, {} ms", policy.hosts.size(), milliseconds_since(begin));
    return Ok{};
}

Result<Prepared> prepare(const std::string& file, Context& context, Wanted wanted) {
    const Clock::time_point begin = Clock::now();
    Result<policy::Policy> policy = engine::load(file, context.profiles);
    if (!policy) return policy.error();
    context.log.debug("read, parse, expand, check: {} ms", milliseconds_since(begin));
    if (auto done = resolve_hosts(*policy, context, wanted); !done) return done.error();
    return compile(std::move(*policy), context);
}

Result<Prepared> prepare_text(const std::string& text, const std::string& file, Context& context, Wanted wanted) {
    Result<policy::Policy> policy = engine::load_text(text, file, context.profiles);
    if (!policy) return policy.error();
    if (auto done = resolve_hosts(*policy, context, wanted); !done) return done.error();
    return compile(std::move(*policy), context);
}

Result<Ok> run_policy_tests(const Prepared& prepared, Context& context) {
    if (prepared.policy.tests.empty()) return Ok{};
    const Clock::time_point begin = Clock::now();
    Result<kernel::Judge> judge = kernel::Judge::of(prepared.compiled);
    if (!judge) return judge.error();
    const auto judge_packet = [&](const packet::Packet& packet) {
        return judge->judge(packet.side, packet.hook(), packet::frame(packet));
    };
    if (auto done = show::run_tests(prepared.policy.tests, judge_packet); !done) return done.error();
    context.log.debug("tests: {} passed, {} ms", prepared.policy.tests.size(), milliseconds_since(begin));
    return Ok{};
}

Result<Prepared> prepare_and_test(const std::string& file, Context& context, Wanted wanted) {
    Result<Prepared> prepared = prepare(file, context, wanted);
    if (!prepared) return prepared.error();
    if (auto done = run_policy_tests(*prepared, context); !done) return done.error();
    return prepared;
}

}  // namespace edgefw::cli
