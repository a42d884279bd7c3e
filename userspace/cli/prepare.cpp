#include "userspace/cli/prepare.h"

#include <chrono>

#include "userspace/image/image.h"
#include "userspace/observe/explain.h"
#include "userspace/packet/notation.h"

namespace edgefw::cli {
namespace {

using Clock = std::chrono::steady_clock;

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
    kernel::Compiled compiled{std::move(*image), policy::show(policy).dump(), policy.digest};
    return Prepared{std::move(policy), std::move(compiled)};
}

}  // namespace

Result<Prepared> prepare(const std::string& file, Context& context) {
    const Clock::time_point begin = Clock::now();
    Result<policy::Policy> policy = policy::load(file, context.profiles);
    if (!policy) return policy.error();
    context.log.debug("read, parse, expand, check: {} ms", milliseconds_since(begin));
    return compile(std::move(*policy), context);
}

Result<Prepared> prepare_text(const std::string& text, const std::string& file, Context& context) {
    Result<policy::Policy> policy = policy::load_text(text, file, context.profiles);
    if (!policy) return policy.error();
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
    if (auto done = observe::run_tests(prepared.policy.tests, judge_packet); !done) return done.error();
    context.log.debug("tests: {} passed, {} ms", prepared.policy.tests.size(), milliseconds_since(begin));
    return Ok{};
}

Result<Prepared> prepare_and_test(const std::string& file, Context& context) {
    Result<Prepared> prepared = prepare(file, context);
    if (!prepared) return prepared.error();
    if (auto done = run_policy_tests(*prepared, context); !done) return done.error();
    return prepared;
}

}  // namespace edgefw::cli
