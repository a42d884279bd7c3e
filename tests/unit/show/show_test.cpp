// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/show.h"

#include <gtest/gtest.h>

#include "tests/unit/show/cards.h"

namespace edgefw::show {
namespace {

TEST(ShowText, GroupsRulesByWhereTheyStem) {
    const Result<std::string> text = show_text(kDocument, 160);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "rule                           side      direction  protocol  local                              remote "
              "          action\n"
              "\n"
              "policy.yaml\n"
              "admin-ssh                      external  inbound    tcp       192.0.2.10 :22                     "
              "$branch-offices  pass\n"
              "\n"
              "ocs2007, table 10, figure 5: Step 2.3. Configure Firewalls\n"
              "ocs/access-edge/external-443   external  both       tcp syn   192.0.2.20, 192.0.2.21 :443, 5061  any    "
              "          pass, no state\n"
              "ocs/access-edge/internal-5061  internal  outbound   any       any :5061                          any    "
              "          drop\n"
              "\n"
              "nat         type          side      protocol  from  to              public\n"
              "office/map  port-forward  external  tcp             10.0.0.5 :9555  203.0.113.7 :9555\n"
              "\n"
              "set              members\n"
              "$branch-offices        2\n"
              "\n"
              "default external: inbound drop, outbound pass\n"
              "default internal: inbound pass, outbound pass\n"
              "off: builtin/dhcp\n");
}

TEST(ShowText, SetsWithTheirMembers) {
    const Result<std::string> text = show_text(kDocument, 160, Members::kListed);
    ASSERT_TRUE(text);
    EXPECT_NE(text->find("\nset              members\n"
                         "$branch-offices  198.51.100.0/24, 2001:db8:7::/48\n"),
              std::string::npos)
        << *text;
}

TEST(ShowText, AnEmptyPolicyHasNoRules) {
    const Result<std::string> text = show_text(R"({"rules": []})", 80);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "no rules\n");
}

TEST(ShowText, TimeoutsThatAreNotTheUsualOnes) {
    const Result<std::string> text =
        show_text(R"({"rules": [], "timeouts": {"tcp-established": 777, "icmp-echo": 60}, "adopt": 5})", 80);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "no rules\n"
              "\n"
              "timeout tcp-established: 777 s\n"
              "adopt: 5 s after the first push\n");
}

TEST(ShowJson, IsTheDocumentWithoutSlots) {
    const auto json = show_json(kDocument);
    ASSERT_TRUE(json);
    auto expected = nlohmann::ordered_json::parse(kDocument);
    for (auto& rule : expected["rules"])
        rule.erase("slot");
    for (auto& entry : expected["nat"])
        entry.erase("slot");
    EXPECT_EQ(json->dump(), expected.dump());
    EXPECT_EQ(json->dump().find("\"slot\""), std::string::npos);
}

TEST(Show, WhatIsNotReadableIsAnError) {
    EXPECT_FALSE(show_json("{"));
    EXPECT_FALSE(show_text("[]", 80));
}

}  // namespace
}  // namespace edgefw::show
