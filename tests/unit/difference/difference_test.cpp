// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/difference.h"

#include <gtest/gtest.h>

#include "tests/unit/difference/policies.h"

namespace edgefw::test {
namespace {

using difference::compare;

using difference::Difference;
using difference::Kind;

// Without martians, so that "from anywhere" is one box.
constexpr const char* kHead =
    "version: 1\n"
    "builtins: { martian: off }\n";

std::string policy(const std::string& rest) {
    return kHead + rest;
}

const std::string kWeb = policy(
    "rules:\n"
    "- { name: web, side: external, direction: inbound, protocol: tcp, local: 192.0.2.20, local_port: 443, action: "
    "pass }\n");

TEST(Difference, NoneOfTheSamePolicy) {
    const Difference difference = compare(policy_of(kWeb), policy_of(kWeb));
    EXPECT_TRUE(difference.is_none());
    EXPECT_TRUE(difference.renamed.empty());
    EXPECT_EQ(difference.moved, 0u);
    EXPECT_TRUE(difference.settings.empty());
}

TEST(Difference, AnAddedRuleWidens) {
    EXPECT_EQ(difference_text(policy("rules: []\n"), kWeb),
              "widened: default drop -> web pass\n"
              "  external inbound tcp 0.0.0.0/0:any > 192.0.2.20:443 syn\n");
}

TEST(Difference, MartiansAreInNoBox) {
    EXPECT_EQ(difference_text("version: 1\nrules: []\n",
                              "version: 1\nrules:\n- { name: web, side: external, direction: inbound, protocol: tcp, "
                              "local: 192.0.2.20, local_port: 443, action: pass }\n"),
              "widened: default drop -> web pass\n"
              "  external inbound tcp 1.0.0.0-126.255.255.255:any > 192.0.2.20:443 syn\n"
              "  external inbound tcp 128.0.0.0-192.0.0.15:any > 192.0.2.20:443 syn\n"
              "  external inbound tcp 192.0.1.0-223.255.255.255:any > 192.0.2.20:443 syn\n");
}

TEST(Difference, ARenamedRuleIsNoChange) {
    std::string tls = kWeb;
    tls.replace(tls.find("web"), 3, "tls");
    const Difference difference = compare(policy_of(kWeb), policy_of(tls));
    EXPECT_TRUE(difference.is_none());
    ASSERT_EQ(difference.renamed.size(), 1u);
    EXPECT_EQ(difference.renamed.front(), std::pair(std::string("web"), std::string("tls")));
}

TEST(Difference, AnotherOrderThatMeansTheSameIsNoChange) {
    const char* a = "- { name: a, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass }\n";
    const char* b = "- { name: b, side: external, direction: inbound, protocol: tcp, local_port: 81, action: drop }\n";
    const Difference difference =
        compare(policy_of(policy(std::string("rules:\n") + a + b)), policy_of(policy(std::string("rules:\n") + b + a)));
    EXPECT_TRUE(difference.is_none());
    EXPECT_EQ(difference.moved, 1u);
}

TEST(Difference, AnotherOrderThatMeansSomethingElse) {
    const std::string a =
        "- { name: a, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass }\n";
    const std::string b =
        "- { name: b, side: external, direction: inbound, protocol: tcp, remote: 198.51.100.0/24, action: drop }\n";
    EXPECT_EQ(difference_text(policy("rules:\n" + a + b), policy("rules:\n" + b + a)),
              "narrowed: a pass -> b drop\n"
              "  external inbound tcp 198.51.100.0/24:any > 0.0.0.0/0:80 syn\n");
}

TEST(Difference, OfStateAlone) {
    std::string none = kWeb;
    none.replace(none.find("action: pass"), 12, "state: none, action: pass");
    EXPECT_EQ(difference_text(kWeb, none),
              "widened: default drop -> web pass\n"
              "  external inbound tcp 0.0.0.0/0:any > 192.0.2.20:443 not-syn\n"
              "state: web pass keep -> web pass\n"
              "  external inbound tcp 0.0.0.0/0:any > 192.0.2.20:443 syn\n");
}

TEST(Difference, ADropRuleTakesEveryPacket) {
    EXPECT_EQ(difference_text(policy("default: pass\nrules: []\n"),
                              policy("default: pass\nrules:\n- { name: shut, side: external, direction: inbound, "
                                     "remote: 198.51.100.0/24, action: drop }\n")),
              "narrowed: default pass -> shut drop\n"
              "  external inbound any 198.51.100.0/24 > 0.0.0.0/0\n");
}

TEST(Difference, OfTcpFlagsAndIcmpTypes) {
    EXPECT_EQ(
        difference_text(
            policy("default: pass\nrules: []\n"),
            policy("default: pass\nrules:\n"
                   "- { name: odd, local: 10.0.0.1, side: internal, direction: inbound, protocol: tcp, tcp_flags: "
                   "[syn, fin], action: drop }\n"
                   "- { name: redirect, side: internal, direction: inbound, protocol: icmp, icmp: "
                   "[5, 13/0], action: drop }\n")),
        "narrowed: default pass -> redirect drop\n"
        "  internal inbound icmp 0.0.0.0/0 > 0.0.0.0/0 redirect,13/0\n"
        "narrowed: default pass -> odd drop\n"
        "  internal inbound tcp 10.0.0.1:any > 0.0.0.0/0:any syn,fin\n");
}

TEST(Difference, OfVlansAndOtherFrames) {
    EXPECT_EQ(difference_text(policy("rules: []\n"),
                              policy("rules:\n"
                                     "- { name: sec, side: external, direction: inbound, ethertype: macsec, vlan: 7, "
                                     "action: pass }\n"
                                     "- { name: gre, side: external, direction: inbound, protocol: 47, local: "
                                     "192.0.2.1, vlan: 7, action: pass }\n")),
              "widened: default drop -> gre pass\n"
              "  external inbound 47 0.0.0.0/0 > 192.0.2.1 vlan 7\n"
              "widened: default drop -> sec pass\n"
              "  external inbound ethertype macsec vlan 7\n");
}

TEST(Difference, OfADefault) {
    const std::string text =
        difference_text(policy("rules: []\n"), policy("default: { external: { inbound: drop, outbound: drop }, "
                                                      "internal: { inbound: pass, outbound: pass } }\nrules: []\n"));
    EXPECT_TRUE(
        text.starts_with("widened: default drop -> default pass\n"
                         "  internal outbound any ::/0 > ::/0\n"
                         "  internal inbound any ::/0 > ::/0\n"
                         "  internal outbound any 0.0.0.0/0 > 0.0.0.0/0\n"
                         "  internal inbound any 0.0.0.0/0 > 0.0.0.0/0\n"
                         "  internal outbound ethertype 0x0807-0x80ff\n"))
        << text;
}

TEST(Difference, OfATranslation) {
    const std::string forward =
        "- { name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5, "
        "to_port: "
        "8080 }\n";
    std::string moved = forward;
    moved.replace(moved.find("10.0.0.5"), 8, "10.0.0.6");
    const std::string rules =
        "rules:\n- { name: in, side: external, direction: inbound, protocol: tcp, local: 10.0.0.0/24, action: pass }\n";
    EXPECT_EQ(difference_text(policy("nat:\n" + forward + rules), policy("nat:\n" + moved + rules)),
              "retranslated: in pass via map -> in pass via map\n"
              "  external inbound tcp 0.0.0.0/0:any > 203.0.113.7:80 syn\n");
}

TEST(Difference, SettingsAndBuiltins) {
    const Difference difference =
        compare(policy_of("version: 1\ntimeouts: { tcp-established: 3600 }\nadopt: 5\nrollback_grace: 5m\n"
                          "record: { drops: off }\nrules: []\n"),
                policy_of("version: 1\nbuiltins: { nd: off }\nrules: []\n"));
    EXPECT_FALSE(difference.is_none());
    EXPECT_EQ(difference.turned_off, std::vector{EDGEFW_BUILTIN_ND});
    EXPECT_EQ(difference.settings,
              (std::vector<std::string>{"timeouts tcp-established: 3600 -> 86400", "adopt: 5 -> 60",
                                        "rollback_grace: 300 -> 60", "record drops: off -> on"}));
}

// A set of 50,000, of which one is another: that one, and none of the rest.
TEST(Difference, OneMemberOfALargeSet) {
    policy::Policy before = policy_of(policy(
        "sets: { bad: [192.0.2.1] }\nrules:\n- { name: shut, side: external, direction: inbound, remote: $bad, action: "
        "drop }\n- { name: rest, side: external, direction: inbound, protocol: udp, action: pass }\n"));
    auto& members = before.sets.front().members;
    members.clear();
    for (std::uint32_t i = 0; i < 50'000; ++i)
        members.push_back(AddressRange::single({Family::kIpv4, 0x0b000000u + 2 * i}));
    policy::Policy after = before;
    after.sets.front().members[31'000] = AddressRange::single({Family::kIpv4, 0x0b000000u + 2 * 31'000 + 1});
    EXPECT_EQ(text_of(compare(before, after)),
              "narrowed: rest pass -> shut drop\n"
              "  external inbound udp 11.0.242.49:any > 0.0.0.0/0:any\n"
              "widened: shut drop -> rest pass\n"
              "  external inbound udp 11.0.242.48:any > 0.0.0.0/0:any\n"
              "rule: default drop -> shut drop\n"
              "  external inbound other 11.0.242.49 > 0.0.0.0/0\n"
              "  external inbound icmp 11.0.242.49 > 0.0.0.0/0 any-type\n"
              "  external inbound 2 11.0.242.49 > 0.0.0.0/0\n"
              "  external inbound tcp 11.0.242.49:any > 0.0.0.0/0:any any-flags\n"
              "rule: shut drop -> default drop\n"
              "  external inbound other 11.0.242.48 > 0.0.0.0/0\n"
              "  external inbound icmp 11.0.242.48 > 0.0.0.0/0 any-type\n"
              "  external inbound 2 11.0.242.48 > 0.0.0.0/0\n"
              "  external inbound tcp 11.0.242.48:any > 0.0.0.0/0:any any-flags\n");
}

// The widest first, and not all.
TEST(Difference, AtMostTwentyBoxes) {
    std::string ports;
    for (int port = 1; port < 100; port += 2)
        ports += (ports.empty() ? "" : ", ") + std::to_string(port);
    const Difference difference =
        compare(policy_of(policy("rules: []\n")),
                policy_of(policy("rules:\n- { name: odd, side: external, direction: inbound, protocol: udp, local: "
                                 "192.0.2.1, local_port: [" +
                                 ports + ", 1000-2000], action: pass }\n")));
    ASSERT_EQ(difference.changes.size(), 1u);
    EXPECT_EQ(difference.changes.front().boxes.size(), 20u);
    EXPECT_EQ(difference.changes.front().boxes.front(), "external inbound udp 0.0.0.0/0:any > 192.0.2.1:1000-2000");
    EXPECT_EQ(difference.changes.front().more, 31u);
}

// Says so where it does not look for all.
TEST(Difference, EndsWhereItIsTooMuch) {
    std::string ports;
    for (int port = 1; port < 100; port += 2)
        ports += (ports.empty() ? "" : ", ") + std::to_string(port);
    const Difference difference = compare(
        policy_of(policy("rules: []\n")),
        policy_of(policy("rules:\n- { name: odd, side: external, direction: inbound, protocol: udp, local_port: [" +
                         ports + "], action: pass }\n")),
        {std::chrono::milliseconds(10'000), 10});
    EXPECT_FALSE(difference.is_complete);
    EXPECT_FALSE(difference.is_none());
    ASSERT_EQ(difference.changes.size(), 1u);
    EXPECT_LE(difference.changes.front().boxes.size(), 10u);
}

}  // namespace
}  // namespace edgefw::test
