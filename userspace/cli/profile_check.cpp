// SPDX-License-Identifier: GPL-2.0-only
#include <map>
#include <set>

#include "userspace/cli/policy_judge.h"
#include "userspace/cli/profile.h"
#include "userspace/engine/build.h"
#include "userspace/engine/policy_tests.h"
#include "userspace/image/bytes.h"
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

struct Sample {
    std::string text;
    std::vector<policy::PolicyTest> packets;
};

// The samples that come to one image, which differ in what their packets are bound to. Programs are loaded once for all
// of them: that takes far longer than all else.
struct Group {
    kernel::Compiled compiled;
    std::vector<Sample> samples;
};
using Groups = std::map<std::string, Group>;  // by image::bytes_of()

Result<Ok> give_addresses(policy::Policy& policy) {
    policy::give_sample_addresses(policy.hosts);
    return Ok{};
}

Error with_sample(const Error& error, const std::string& text) {
    return {error.kind, "with the policy\n" + text + error.message};
}

Result<Ok> add_sample(const std::string& text, const std::string& file, const policy::ProfilePath& path, Tally& tally,
                      Groups& groups) {
    Result<engine::Built> built = engine::build({file, text}, {path, give_addresses});
    if (!built) return with_sample(built.error(), text);
    for (const policy::PolicyTest& test : built->profile_packets) {
        if (test.rule) tally.passed.insert(*test.rule);
    }
    for (const policy::Rule& rule : built->policy.rules)
        tally.rules.insert(rule.id);
    ++tally.policies;
    tally.packets += built->profile_packets.size();
    Group& group = groups[image::bytes_of(built->compiled.image)];
    if (group.samples.empty()) group.compiled = std::move(built->compiled);
    group.samples.push_back({text, std::move(built->profile_packets)});
    return Ok{};
}

Result<Ok> judge_group(const Group& group) {
    Result<PolicyJudge> judge = PolicyJudge::of(group.compiled, kConnections);
    if (!judge) return judge.error();
    const auto judge_packet = [&](const packet::Packet& packet) -> Result<kernel::Judgement> {
        if (auto done = judge->forget(); !done) return done.error();
        return judge->judge(packet.side, packet.hook(), packet::frame(packet));
    };
    for (const Sample& sample : group.samples) {
        const auto done = engine::run_tests(sample.packets, judge_packet);
        if (done) continue;
        return done.error().kind == ErrorKind::kPolicy ? with_sample(done.error(), sample.text) : done.error();
    }
    return Ok{};
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
    Groups groups;
    for (const std::string& sample : policy::sample_policies(*profile)) {
        if (auto done = add_sample(sample, options.file, path, tally, groups); !done) return done.error();
    }
    for (const auto& [image, group] : groups) {
        if (auto done = judge_group(group); !done) return done.error();
    }
    context.log.debug("{} policies, {} images", tally.policies, groups.size());
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
