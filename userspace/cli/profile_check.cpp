// SPDX-License-Identifier: GPL-2.0-only
#include <set>

#include "userspace/cli/profile.h"
#include "userspace/engine/build.h"
#include "userspace/engine/policy_tests.h"
#include "userspace/kernel/door.h"
#include "userspace/language/read.h"
#include "userspace/packet/notation.h"
#include "userspace/profile/profile.h"
#include "userspace/profile/sample.h"

namespace edgefw::cli {
namespace {

// A table holds one packet's connection at most, and emptying a small one is quick.
constexpr std::uint32_t kConnections = 1024;

struct Tally {
    std::size_t policies = 0;
    std::size_t packets = 0;
    std::set<std::string> rules;   // ids of all samples
    std::set<std::string> passed;  // of those, the ones that a must_pass packet names
};

Result<Ok> judge_packets(const engine::Built& built) {
    Result<kernel::Judge> judge = kernel::Judge::of(built.compiled, kConnections);
    if (!judge) return judge.error();
    return engine::run_tests(built.profile_packets, [&](const packet::Packet& packet) -> Result<kernel::Judgement> {
        if (auto done = judge->forget(); !done) return done.error();
        return judge->judge(packet.side, packet.hook(), packet::frame(packet));
    });
}

Result<Ok> give_addresses(policy::Policy& policy) {
    policy::give_sample_addresses(policy.hosts);
    return Ok{};
}

Result<Ok> check_sample(const std::string& text, const std::string& file, const policy::ProfilePath& path,
                        Tally& tally) {
    const Result<engine::Built> built = engine::build({file, text}, {path, give_addresses});
    if (!built) return Error{built.error().kind, "with the policy\n" + text + built.error().message};
    for (const policy::PolicyTest& test : built->profile_packets) {
        if (test.rule) tally.passed.insert(*test.rule);
    }
    for (const policy::Rule& rule : built->policy.rules)
        tally.rules.insert(rule.id);
    ++tally.policies;
    tally.packets += built->profile_packets.size();
    auto done = judge_packets(*built);
    if (!done && done.error().kind == ErrorKind::kPolicy) {
        return Error{ErrorKind::kPolicy, "with the policy\n" + text + done.error().message};
    }
    return done;
}

std::string folder_of(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string::npos ? "." : file.substr(0, slash);
}

}  // namespace

Result<Ok> run(const ProfileCheckOptions& options, Context& context) {
    const Result<std::string> text = policy::read(options.file);
    if (!text) return text.error();
    policy::Diagnostics diagnostics;
    const auto profile = policy::parse_profile(*text, options.file, diagnostics);
    if (profile == nullptr) return diagnostics.to_error(options.file);
    policy::ProfilePath path = context.profiles;
    path.folders.insert(path.folders.begin(), folder_of(options.file));
    Tally tally;
    for (const std::string& sample : policy::sample_policies(*profile)) {
        if (auto done = check_sample(sample, options.file, path, tally); !done) return done.error();
    }
    for (const std::string& id : tally.rules) {
        if (!tally.passed.contains(id))
            context.log.warn("warning: no packet under must_pass names the rule {}", id.substr(id.find('/') + 1));
    }
    for (const policy::Node* row : profile->rules) {
        const policy::Node* role = row->find("role");
        const std::string name = (role == nullptr ? "" : role->text + "/") + row->find("name")->text;
        if (!tally.rules.contains(profile->name + "/" + name))
            context.log.warn("warning: no choice of options brings in the rule {}", name);
    }
    context.out.write(options.file + ": " + std::to_string(tally.rules.size()) + " rules, " +
                      std::to_string(tally.packets) + " packets judged as promised in " +
                      std::to_string(tally.policies) + " policies\n");
    return Ok{};
}

}  // namespace edgefw::cli
