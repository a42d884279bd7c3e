// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/policy_tests.h"

#include "userspace/language/diagnostics.h"
#include "userspace/policy/reasons.h"

namespace edgefw::engine {
namespace {

using kernel::Judgement;
using policy::PolicyTest;

std::string expected_text(const PolicyTest& test) {
    std::string text = policy::to_text(test.expect);
    if (test.rule) text += ", rule " + *test.rule;
    if (test.reason) text += ", reason " + *test.reason;
    return text;
}

bool holds(const PolicyTest& test, const Judgement& judgement) {
    return test.expect == judgement.verdict && (!test.rule || *test.rule == judgement.rule) &&
           (!test.reason || *test.reason == policy::to_text(judgement.reason));
}

Error rejected(const policy::Diagnostics& found, const std::vector<PolicyTest>& tests) {
    return found.to_error(tests.front().where.file);
}

}  // namespace

std::string outcome_text(const Judgement& judgement) {
    std::string text = policy::to_text(judgement.verdict);
    if (!judgement.rule.empty()) text += ", rule " + judgement.rule;
    return text + ", reason " + policy::to_text(judgement.reason);
}

Result<std::vector<packet::Packet>> packets_of(const std::vector<PolicyTest>& tests) {
    std::vector<packet::Packet> packets;
    policy::Diagnostics found;
    for (const PolicyTest& test : tests) {
        Result<packet::Packet> packet = packet::parse(test.packet);
        if (packet) {
            packets.push_back(*packet);
        } else {
            found.error(test.where, packet.error().message);
        }
    }
    if (!found.ok()) return rejected(found, tests);
    return packets;
}

Result<Ok> run_tests(const std::vector<PolicyTest>& tests, const JudgePacket& judge) {
    const Result<std::vector<packet::Packet>> packets = packets_of(tests);
    if (!packets) return packets.error();
    policy::Diagnostics failures;
    for (std::size_t i = 0; i < tests.size(); ++i) {
        const Result<Judgement> judgement = judge((*packets)[i]);
        if (!judgement) return judgement.error();
        if (holds(tests[i], *judgement)) continue;
        failures.error(tests[i].where, "test failed: " + tests[i].packet + ": expected " + expected_text(tests[i]) +
                                           "; got " + outcome_text(*judgement));
    }
    if (!failures.ok()) return rejected(failures, tests);
    return Ok{};
}

}  // namespace edgefw::engine
