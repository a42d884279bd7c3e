// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/rule_text.h"

#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

struct Row {
    const char* json;
    const char* text;
};

TEST(Cell, PrintsAnyValue) {
    for (const Row& row :
         {Row{"null", ""}, Row{"\"x\"", "x"}, Row{"7", "7"}, Row{"true", "true"}, Row{R"(["a", "b"])", "a, b"},
          Row{"[]", ""}, Row{R"({"inbound": "drop"})", "inbound drop"}}) {
        EXPECT_EQ(cell(Json::parse(row.json)), row.text) << row.json;
    }
}

TEST(ProtocolCell, SaysWhatElseTheHeadersMustHold) {
    for (const Row& row : {Row{R"({"protocol": "tcp"})", "tcp"}, Row{"{}", "any"},
                           Row{R"({"protocol": "tcp", "tcp_flags": "syn,!ack"})", "tcp syn,!ack"},
                           Row{R"({"protocol": "tcp", "established": true, "vlan": 12})", "tcp established vlan 12"},
                           Row{R"({"ethertype": ["802.3", "ptp"], "vlan": 12})", "ethertype 802.3, ptp vlan 12"},
                           Row{R"({"protocol": "icmp", "icmp": ["echo-request", "3/4"]})", "icmp echo-request, 3/4"}}) {
        EXPECT_EQ(protocol_cell(Json::parse(row.json)), row.text) << row.json;
    }
}

TEST(EndCell, JoinsAddressesAndPorts) {
    EXPECT_EQ(end_cell("any", "any"), "any");
    EXPECT_EQ(end_cell(nullptr, nullptr), "any");
    EXPECT_EQ(end_cell("any", "443"), "any :443");
    EXPECT_EQ(end_cell("2001:db8::1", "443"), "2001:db8::1 :443");
    EXPECT_EQ(end_cell(Json{"192.0.2.1", "192.0.2.2"}, Json{"80", "443"}), "192.0.2.1, 192.0.2.2 :80, 443");
}

TEST(RuleEndCell, IsEmptyWhereFramesHaveNoAddresses) {
    EXPECT_EQ(rule_end_cell(Json{{"local", "192.0.2.1"}, {"local_port", "80"}}, "local"), "192.0.2.1 :80");
    EXPECT_EQ(rule_end_cell(Json{{"protocol", "tcp"}}, "remote"), "any");
    EXPECT_EQ(rule_end_cell(Json{{"ethertype", "ptp"}}, "local"), "");
}

TEST(ActionCell, NamesAPassWithoutState) {
    EXPECT_EQ(action_cell(Json{{"action", "pass"}, {"state", "keep"}}), "pass");
    EXPECT_EQ(action_cell(Json{{"action", "pass"}, {"state", "none"}}), "pass, no state");
    EXPECT_EQ(action_cell(Json{{"action", "drop"}, {"state", "none"}}), "drop");
    EXPECT_EQ(action_cell(Json{{"ethertype", "ptp"}, {"action", "pass"}, {"state", "none"}}), "pass");
}

TEST(SourceText, NamesTableFigureAndDocument) {
    EXPECT_EQ(source_text(Json{{"table", 10}, {"figure", 5}, {"document", "D"}}), "table 10, figure 5: D");
    EXPECT_EQ(source_text(Json{{"table", nullptr}, {"section", "9.2"}, {"document", "D"}}), "9.2: D");
    EXPECT_EQ(source_text(Json{{"document", "D"}}), "D");
    EXPECT_EQ(source_text(Json::object()), "");
}

}  // namespace
}  // namespace edgefw::show
