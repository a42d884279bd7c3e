// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/check.h"
#include "userspace/engine/policy_tests.h"

#include "userspace/cli/build.h"
#include "userspace/engine/preflight.h"
#include "userspace/kernel/door.h"
#include "userspace/show/explain.h"

namespace edgefw::cli {
namespace {

using nlohmann::ordered_json;

std::string counted(std::size_t count, const std::string& one, const std::string& several) {
    return std::to_string(count) + " " + (count == 1 ? one : several);
}

// What this host alone can tell. Not knowing its addresses is no fault of the policy.
std::vector<std::string> host_warnings(const policy::Policy& policy, Context& context) {
    const Result<kernel::NetworkFacts> network = kernel::network_facts();
    if (network) return engine::preflight(policy, *network);
    context.log.warn("warning: not compared with this host's addresses: {}", network.error().message);
    return {};
}

// Tests run, or why not.
struct TestOutcome {
    std::size_t passed = 0;
    std::string not_run;  // empty: they were
};

Result<TestOutcome> run_tests(const engine::Built& built, Context& context) {
    const std::vector<policy::PolicyTest>& tests = built.policy.tests;
    // A packet that cannot be read is wrong whether or not it can be judged here.
    if (auto packets = engine::packets_of(tests); !packets) return packets.error();
    if (tests.empty()) return TestOutcome{};
    if (auto may_load = kernel::may_load_programs(); !may_load) {
        return TestOutcome{0, may_load.error().message};
    }
    if (auto done = run_policy_tests(built, context); !done) return done.error();
    return TestOutcome{tests.size(), ""};
}

// A push would load some of these: what is accepted here the kernel accepts then, whatever the card.
Result<Ok> load_programs(const engine::Built& built, Context& context) {
    if (auto may_load = kernel::may_load_programs(); !may_load) {
        // With tests it has been said already.
        if (built.policy.tests.empty())
            context.log.warn("warning: not tried on this kernel: {}", may_load.error().message);
        return Ok{};
    }
    return kernel::verify(built.compiled);
}

void print(const policy::Policy& policy, const TestOutcome& outcome, const std::vector<std::string>& warnings,
           Context& context) {
    const std::size_t not_run = policy.tests.size() - outcome.passed;
    if (context.options.json) {
        const ordered_json tests{{"passed", outcome.passed}, {"not_run", not_run}};
        context.out.write(ordered_json{{"file", policy.file},
                                       {"digest", policy.digest},
                                       {"rules", policy.rules.size()},
                                       {"nat", policy.forwards.size() + policy.masquerades.size()},
                                       {"tests", tests},
                                       {"warnings", warnings}}
                              .dump(2, ' ', false, ordered_json::error_handler_t::replace) +
                          "\n");
        return;
    }
    std::string line = policy.file + ": " + counted(policy.rules.size(), "rule", "rules") + ", " +
                       counted(policy.forwards.size() + policy.masquerades.size(), "nat entry", "nat entries") + ", ";
    if (not_run > 0) {
        line += counted(not_run, "test", "tests") + " NOT RUN";
    } else if (outcome.passed > 0) {
        line += counted(outcome.passed, "test", "tests") + " passed";
    } else {
        line += "no tests";
    }
    context.out.write(line + "\n");
}

}  // namespace

Result<Ok> run(const CheckOptions& options, Context& context) {
    const Result<engine::Built> built = engine::build({options.policy}, world_of(context));
    if (!built) return built.error();
    std::vector<std::string> warnings = built->policy.warnings;
    for (std::string& warning : host_warnings(built->policy, context)) {
        context.log.warn("warning: {}", warning);
        warnings.push_back(std::move(warning));
    }
    if (options.strict) {
        if (auto may_load = kernel::may_load_programs(); !may_load) {
            return Error{
                may_load.error().kind,
                counted(built->policy.tests.size(), "test", "tests") +
                    " not run and no program loaded, which --strict does not let pass: " + may_load.error().message};
        }
    }
    const Result<TestOutcome> outcome = run_tests(*built, context);
    if (!outcome) return outcome.error();
    if (auto loaded = load_programs(*built, context); !loaded) return loaded.error();
    if (!outcome->not_run.empty()) {
        context.log.warn("warning: NOT TESTED: {} not run: {}; with --strict this is an error",
                         counted(built->policy.tests.size(), "test of the policy was", "tests of the policy were"),
                         outcome->not_run);
    }
    print(built->policy, *outcome, warnings, context);
    return Ok{};
}

}  // namespace edgefw::cli
