// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::show {
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

TEST(JudgementJson, IsOneLine) {
    EXPECT_EQ(
        judgement_json(kPacket, {}, passed_by("a/b")),
        std::string(R"({"packet":")") + kPacket + "\",\"verdict\":\"pass\",\"rule\":\"a/b\",\"reason\":\"rule\"}\n");
    EXPECT_EQ(judgement_json("p", {}, dropped()),
              "{\"packet\":\"p\",\"verdict\":\"drop\",\"rule\":null,\"reason\":\"default\"}\n");
}

TEST(JudgementJson, SaysWhatWasTranslated) {
    const auto packet = packet::parse(kPacket);
    const auto translated = packet::parse("external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556");
    ASSERT_TRUE(packet && translated);
    Judgement judgement = passed_by("a/b");
    judgement.nat = "office/map";
    judgement.local = *Address::parse("10.0.0.5");
    judgement.local_port = 9556;
    judgement.frame = packet::frame(*translated);
    EXPECT_EQ(judgement_json("p", *packet, judgement),
              "{\"packet\":\"p\",\"verdict\":\"pass\",\"rule\":\"a/b\",\"reason\":\"rule\",\"nat\":\"office/map\","
              "\"rules_see\":\"external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556 syn\","
              "\"leaves_as\":\"external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556 syn\"}\n");
}

TEST(JudgementText, ShowsWhatLeft) {
    const auto packet = packet::parse(kPacket);
    const auto translated = packet::parse("external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556");
    ASSERT_TRUE(packet && translated);
    Judgement judgement = passed_by("a/b");
    EXPECT_EQ(judgement_text(kPacket, *packet, judgement), std::string(kPacket) + "\n  pass, rule a/b, reason rule\n");
    judgement.nat = "office/map";
    judgement.local = *Address::parse("10.0.0.5");
    judgement.local_port = 9556;
    judgement.frame = packet::frame(*translated);
    EXPECT_EQ(judgement_text(kPacket, *packet, judgement),
              std::string(kPacket) +
                  "\n  pass, rule a/b, reason rule\n"
                  "  nat office/map, the rules see external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556 syn\n"
                  "  leaves as external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556 syn\n");
}

TEST(JudgementText, WhatDropsDoesNotGoOn) {
    const auto packet = packet::parse(kPacket);
    ASSERT_TRUE(packet);
    Judgement judgement = dropped();
    judgement.nat = "office/map";
    judgement.local = *Address::parse("10.0.0.5");
    judgement.frame = packet::frame(*packet);
    const std::string text = judgement_text(kPacket, *packet, judgement);
    EXPECT_NE(text.find("\n  drop, reason default\n  nat office/map, the rules see "), std::string::npos) << text;
    EXPECT_EQ(text.find("leaves as"), std::string::npos) << text;
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
}  // namespace edgefw::show
