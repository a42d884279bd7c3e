// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/policy_tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::engine {
namespace {

using kernel::Judgement;
using policy::PolicyTest;

constexpr const char* kPacket = "external inbound tcp 198.51.100.9:40000 > 203.0.113.7:9555";

Judgement passed_by(const std::string& rule) {
    Judgement judgement;
    judgement.verdict = policy::Action::kPass;
    judgement.reason = EDGEFW_REASON_RULE;
    judgement.rule = rule;
    return judgement;
}

Judgement dropped() {
    Judgement judgement;
    judgement.reason = EDGEFW_REASON_DEFAULT;
    return judgement;
}

PolicyTest test_at(int line, policy::Action expect, std::optional<std::string> rule = {},
                   std::optional<std::string> reason = {}) {
    return {kPacket, expect, std::move(rule), std::move(reason), {"policy.yaml", line, 5}};
}

struct Row {
    const char* name;
    PolicyTest test;
    Judgement judgement;
    const char* failure;  // empty: it passes
};

TEST(RunTests, ComparesVerdictRuleAndReason) {
    using policy::Action;
    const std::string head = std::string("policy.yaml:7:5: test failed: ") + kPacket + ": expected ";
    const Row rows[] = {
        {"pass", test_at(7, Action::kPass), passed_by("r"), ""},
        {"drop", test_at(7, Action::kDrop), dropped(), ""},
        {"verdict", test_at(7, Action::kPass), dropped(), "pass; got drop, reason default"},
        {"rule", test_at(7, Action::kPass, "r"), passed_by("r"), ""},
        {"other rule", test_at(7, Action::kPass, "r"), passed_by("s"), "pass, rule r; got pass, rule s, reason rule"},
        {"reason", test_at(7, Action::kDrop, {}, "default"), dropped(), ""},
        {"other reason", test_at(7, Action::kDrop, {}, "revoked"), dropped(),
         "drop, reason revoked; got drop, reason default"},
    };
    for (const Row& row : rows) {
        const auto done = run_tests({row.test}, [&](const packet::Packet&) { return row.judgement; });
        if (*row.failure == '\0') {
            EXPECT_TRUE(done) << row.name;
            continue;
        }
        ASSERT_FALSE(done) << row.name;
        EXPECT_EQ(done.error().kind, ErrorKind::kPolicy);
        EXPECT_EQ(done.error().message, head + row.failure) << row.name;
    }
}

TEST(RunTests, JudgesInOrderAndReportsEveryFailure) {
    const std::vector<PolicyTest> tests{test_at(1, policy::Action::kPass), test_at(2, policy::Action::kDrop),
                                        test_at(3, policy::Action::kDrop)};
    int judged = 0;
    const auto done =
        run_tests(tests, [&](const packet::Packet&) { return ++judged == 1 ? dropped() : passed_by("r"); });
    EXPECT_EQ(judged, 3);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message,
                testing::MatchesRegex("policy.yaml:1:5[^\n]*\npolicy.yaml:2:5[^\n]*\npolicy.yaml:3:5[^\n]*"));
}

TEST(RunTests, APacketThatIsNoneIsAnErrorOfThePolicyBeforeAnythingIsJudged) {
    PolicyTest bad = test_at(4, policy::Action::kPass);
    bad.packet = "external inbound tcp 198.51.100.9 > 203.0.113.7:9555";
    const auto done = run_tests({test_at(1, policy::Action::kPass), bad}, [](const packet::Packet&) {
        ADD_FAILURE() << "judged";
        return dropped();
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kPolicy);
    EXPECT_THAT(done.error().message, testing::StartsWith("policy.yaml:4:5: '198.51.100.9' lacks its port"));
}

TEST(RunTests, WhatTheKernelRefusesIsNoFailedTest) {
    const auto done = run_tests({test_at(1, policy::Action::kPass)}, [](const packet::Packet&) -> Result<Judgement> {
        return Error{ErrorKind::kKernel, "no"};
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kKernel);
}

}  // namespace
}  // namespace edgefw::engine
