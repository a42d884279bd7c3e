// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/explain.h"

#include "userspace/language/diagnostics.h"
#include "userspace/policy/reasons.h"

namespace edgefw::show {
namespace {

using kernel::Judgement;
using policy::PolicyTest;

std::string outcome_text(const Judgement& judgement) {
    std::string text = policy::to_text(judgement.verdict);
    if (!judgement.rule.empty()) text += ", rule " + judgement.rule;
    return text + ", reason " + reason_text(judgement.reason);
}

std::string expected_text(const PolicyTest& test) {
    std::string text = policy::to_text(test.expect);
    if (test.rule) text += ", rule " + *test.rule;
    if (test.reason) text += ", reason " + *test.reason;
    return text;
}

bool holds(const PolicyTest& test, const Judgement& judgement) {
    return test.expect == judgement.verdict && (!test.rule || *test.rule == judgement.rule) &&
           (!test.reason || *test.reason == reason_text(judgement.reason));
}

packet::Packet seen(const packet::Packet& packet, const Judgement& judgement) {
    return packet::with_local_end(packet, judgement.local, judgement.local_port);
}

bool leaves(const Judgement& judgement) {
    return judgement.verdict == policy::Action::kPass && !judgement.frame.empty();
}

Error rejected(const policy::Diagnostics& found, const std::vector<PolicyTest>& tests) {
    return found.to_error(tests.front().where.file);
}

}  // namespace

const char* reason_text(edgefw_reason reason) {
    const auto index = static_cast<std::size_t>(reason);
    return index < policy::kReasons.size() ? policy::kReasons[index].name : "unknown";
}

std::string judgement_json(std::string_view text, const packet::Packet& packet, const Judgement& judgement) {
    nlohmann::ordered_json line{
        {"packet", text},
        {"verdict", policy::to_text(judgement.verdict)},
        {"rule", judgement.rule.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(judgement.rule)},
        {"reason", reason_text(judgement.reason)}};
    if (!judgement.nat.empty()) {
        line["nat"] = judgement.nat;
        line["rules_see"] = seen(packet, judgement).to_text();
        if (leaves(judgement)) line["leaves_as"] = packet::with_ends_of(packet, judgement.frame).to_text();
    }
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string judgement_text(std::string_view text, const packet::Packet& packet, const Judgement& judgement) {
    std::string lines = std::string(text) + "\n  " + outcome_text(judgement) + "\n";
    if (judgement.nat.empty()) return lines;
    lines += "  nat " + judgement.nat + ", the rules see " + seen(packet, judgement).to_text() + "\n";
    if (leaves(judgement)) lines += "  leaves as " + packet::with_ends_of(packet, judgement.frame).to_text() + "\n";
    return lines;
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

}  // namespace edgefw::show
