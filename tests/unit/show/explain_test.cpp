// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

using kernel::Judgement;

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

}  // namespace
}  // namespace edgefw::show
