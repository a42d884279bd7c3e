// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include "userspace/document/delta.h"
#include "userspace/image/image.h"

namespace edgefw::test {
namespace {

using document::delta_text;

TEST(Delta, NothingChanges) {
    const std::string document =
        R"({"rules": [{"id": "a", "side": "external"}], "defaults": {"external": {"inbound": "drop"}}})";
    EXPECT_EQ(delta_text(document, document), "no change\n");
}

TEST(Delta, FirstPolicy) {
    EXPECT_EQ(delta_text("", R"({"rules": [{"id": "a", "profile": "ocs", "table": 9, "side": "external",
                                            "local": null, "remote": "any", "local_port": "443"}],
                                 "nat": [{"id": "map", "target": "10.0.0.5"}],
                                 "defaults": {"external": {"inbound": "drop"}}})"),
              "+ rule a: side external; local_port 443\n"
              "+ nat map: target 10.0.0.5\n"
              "~ default external inbound: none -> drop\n");
}

TEST(Delta, AddedRemovedChanged) {
    EXPECT_EQ(delta_text(R"({"rules": [{"id": "a", "local_port": "443"}, {"id": "b"}],
                             "defaults": {"internal": {"outbound": "drop"}}})",
                         R"({"rules": [{"id": "a", "local_port": "444", "remote": ["192.0.2.1", "192.0.2.2"]},
                                       {"id": "c", "action": "drop"}],
                             "defaults": {"internal": {"outbound": "pass"}}})"),
              "- rule b\n"
              "~ rule a: local_port 443 -> 444; remote any -> 192.0.2.1, 192.0.2.2\n"
              "+ rule c: action drop\n"
              "~ default internal outbound: drop -> pass\n");
}

TEST(Delta, SlotsAndOriginsAreNoChange) {
    EXPECT_EQ(delta_text(R"({"rules": [{"id": "a", "slot": 1024, "table": 9, "where": "p.yaml:3:5"}]})",
                         R"({"rules": [{"id": "a", "slot": 2000, "table": 10, "where": "q.yaml:4:5"}]})"),
              "no change\n");
}

TEST(Delta, FewestMoves) {
    const auto rules = [](const std::string& ids) {
        std::string text;
        for (const char id : ids)
            text += std::string(text.empty() ? "" : ",") + R"({"id": ")" + id + "\"}";
        return R"({"rules": [)" + text + "]}";
    };
    EXPECT_EQ(delta_text(rules("abcde"), rules("bcdea")), "> rule a: moved after e\n");
    EXPECT_EQ(delta_text(rules("abcde"), rules("eabcd")), "> rule e: moved to the top\n");
    EXPECT_EQ(delta_text(rules("abc"), rules("xabc")), "+ rule x\n");
}

TEST(Delta, SetsAndBuiltins) {
    EXPECT_EQ(delta_text(R"({"sets": [{"name": "s", "members": ["192.0.2.1"]}], "builtins": ["arp", "nd"]})",
                         R"({"sets": [{"name": "s", "members": []}], "builtins": ["arp"]})"),
              "~ set s: members 192.0.2.1 -> none\n"
              "- builtin nd\n");
}

// One changed member of many is one member in the text, and no line is as long as a set.
TEST(Delta, LongListsShowWhatCameAndWent) {
    const auto set = [](int first, int last) {
        std::string members;
        for (int i = first; i <= last; ++i)
            members += (members.empty() ? "\"" : ", \"") + std::to_string(i) + '"';
        return R"({"sets": [{"name": "s", "members": [)" + members + "]}]}";
    };
    EXPECT_EQ(delta_text(set(1, 5000), set(2, 5001)), "~ set s: members added 5001, removed 1\n");
    EXPECT_EQ(delta_text(set(1, 11), set(1, 10)), "~ set s: members removed 11\n");
    EXPECT_EQ(delta_text(set(1, 9), set(1, 10)),
              "~ set s: members 1, 2, 3, 4, 5, 6, 7, 8, 9 -> 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n");
    EXPECT_EQ(delta_text(set(1, 1), set(1, 50)), "~ set s: members added 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 39 more\n");
    EXPECT_EQ(delta_text("", set(1, 5000)), "+ set s: members 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4990 more\n");
    EXPECT_EQ(delta_text(R"({"rules": [{"id": "a", "local": "any"}]})",
                         R"({"rules": [{"id": "a", "local": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}]})"),
              "~ rule a: local added 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more, removed any\n");
}

TEST(Delta, TimeoutsAndAdoption) {
    EXPECT_EQ(delta_text(R"({"timeouts": {"tcp-closed": 10, "icmp-echo": 60}, "adopt": 300})",
                         R"({"timeouts": {"tcp-closed": 10, "icmp-echo": 5}, "adopt": 0})"),
              "~ timeout icmp-echo: 60 -> 5\n"
              "~ adopt: 300 -> 0\n");
}

TEST(Delta, BrokenDocumentInForceCountsAsNone) {
    EXPECT_EQ(delta_text("{", R"({"rules": [{"id": "a"}]})"), "+ rule a\n");
}

}  // namespace
}  // namespace edgefw::test
