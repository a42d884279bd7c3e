// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/check.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "userspace/cli/build.h"
#include "userspace/engine/preflight.h"
#include "userspace/kernel/door.h"

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

// A push would load some of these: what is accepted here the kernel accepts then, whatever the card.
Result<Ok> load_programs(const engine::Built& built, const std::string& why_not) {
    return why_not.empty() ? kernel::verify(built.compiled) : Ok{};
}

// "file:line:column: message" as a problem; one without a place is of the policy's file.
Problem problem_of(const std::string& warning, const std::string& file) {
    if (!warning.starts_with(file + ":")) return {file, 0, 0, warning};
    int line = 0, column = 0, read = 0;
    const char* rest = warning.c_str() + file.size();
    if (std::sscanf(rest, ":%9d:%9d: %n", &line, &column, &read) != 2 || read == 0) return {file, 0, 0, warning};
    return {file, line, column, rest + read};
}

Error rejected(const std::vector<std::string>& warnings, const std::string& file) {
    Error error{ErrorKind::kPolicy,
                file + ": " + counted(warnings.size(), "warning", "warnings") + ", and --strict lets none pass"};
    for (const std::string& warning : warnings)
        error.problems.push_back(problem_of(warning, file));
    return error;
}

void print(const policy::Policy& policy, bool in_user_space, const std::vector<std::string>& warnings,
           Context& context) {
    const std::size_t tests = policy.tests.size();
    if (context.options.json) {
        const ordered_json judged{{"passed", tests}, {"not_run", 0}, {"by", in_user_space ? "user-space" : "kernel"}};
        context.out.write(ordered_json{{"file", policy.file},
                                       {"digest", policy.digest},
                                       {"rules", policy.rules.size()},
                                       {"nat", policy.forwards.size() + policy.masquerades.size()},
                                       {"tests", judged},
                                       {"warnings", warnings}}
                              .dump(2, ' ', false, ordered_json::error_handler_t::replace) +
                          "\n");
        return;
    }
    std::string line = policy.file + ": " + counted(policy.rules.size(), "rule", "rules") + ", " +
                       counted(policy.forwards.size() + policy.masquerades.size(), "nat entry", "nat entries") + ", ";
    line += tests == 0 ? "no tests" : counted(tests, "test", "tests") + " passed";
    if (tests > 0 && in_user_space) line += " in user space";
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
    const auto may_load = kernel::may_load_programs();
    const std::string why_not = may_load ? "" : may_load.error().message;
    if (auto done = run_policy_tests(*built, context); !done) return done.error();
    if (auto loaded = load_programs(*built, why_not); !loaded) return loaded.error();
    if (!why_not.empty()) context.log.warn("judged in user space, and no program tried on this kernel: {}", why_not);
    if (options.strict && !warnings.empty()) return rejected(warnings, built->policy.file);
    print(built->policy, !why_not.empty(), warnings, context);
    return Ok{};
}

}  // namespace edgefw::cli
