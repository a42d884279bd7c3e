// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/hidden.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <sstream>

#include "tests/unit/language/language.h"
#include "userspace/check/covers.h"

namespace edgefw::policy {
namespace {

using testing::load_lines;

std::string warnings_of(const std::string& text) {
    const auto policy = load_lines(text);
    if (!policy) return policy.error().message;
    std::string warnings;
    for (const std::string& warning : policy->warnings)
        warnings += warning + "\n";
    return warnings;
}

// Whether rule `a` hides rule `b`; both are keys of a flow mapping.
bool hides(const std::string& a, const std::string& b) {
    const std::string warnings =
        warnings_of("sets: {s: 192.0.2.1, t: 192.0.2.2}\nrules:\n- { name: a, side: external, " + a +
                    " }\n- { name: b, side: external, " + b + " }\n");
    // A rule that loses some of its packets to an earlier one is not hidden: see partly_hidden_test.cpp.
    if (warnings.find(" passes ") != std::string::npos || warnings.find("drops a part") != std::string::npos)
        return false;
    if (!warnings.empty()) {
        EXPECT_EQ(
            warnings,
            "p:5:3: the rule 'b' never decides: 'a' before it matches all of its packets; move it up or remove it\n");
    }
    return !warnings.empty();
}

TEST(Hidden, BehindABuiltInRule) {
    const std::string rule = "rules:\n- { name: a, side: external, ethertype: [arp, ptp], action: drop }\n";
    EXPECT_EQ(warnings_of(rule),
              "p:3:3: the rule 'a' never sees arp: builtin/arp passes it before the rules look; add `builtins: { arp: "
              "off }`\n");
    EXPECT_EQ(warnings_of("builtins: { arp: off }\n" + rule), "");
}

TEST(Hidden, OneEarlierRule) {
    const struct {
        const char* earlier;
        const char* later;
        bool hidden;
    } rows[] = {
        {"action: drop", "action: pass", true},
        {"action: drop", "local: 192.0.2.1, action: pass", true},
        {"local: 192.0.2.1, action: drop", "action: pass", false},
        {"local: 192.0.2.0/24, action: drop", "local: [192.0.2.1, 192.0.2.9], action: pass", true},
        {"local: 192.0.2.0/24, action: drop", "local: [192.0.2.1, 192.0.3.9], action: pass", false},
        {"local: [10.0.0.0/8, 192.0.2.0/24], action: drop", "local: 192.0.2.7, action: pass", true},
        {"local: [192.0.2.0/24, 2001:db8::/32], action: drop", "local: 2001:db8::1, action: pass", true},
        {"remote: 2001:db8::/32, action: drop", "remote: 2001:db8::1, action: pass", true},
        {"local: 0.0.0.0/0, action: drop", "action: pass", false},
        {"remote: $s, action: drop", "remote: $s, local: 192.0.2.9, action: pass", true},
        {"remote: $s, action: drop", "remote: $t, action: pass", false},
        {"remote: [$s, $t], action: drop", "remote: $t, action: pass", true},
        {"remote: 192.0.2.0/24, action: drop", "remote: $s, action: pass", false},  // what is in a set may change
        {"protocol: tcp, action: drop", "protocol: tcp, local_port: 22, action: pass", true},
        {"protocol: tcp, action: drop", "protocol: udp, action: pass", false},
        {"protocol: tcp, action: drop", "action: pass", false},
        {"protocol: tcp, local_port: [20-30, 40], action: drop", "protocol: tcp, local_port: [22, 40], action: pass",
         true},
        {"protocol: tcp, local_port: 20-30, action: drop", "protocol: tcp, local_port: 22-31, action: pass", false},
        {"direction: inbound, action: drop", "action: pass", false},
        {"action: drop", "direction: inbound, action: pass", true},
        {"vlan: 7, action: drop", "action: pass", false},
        {"action: drop", "vlan: 7, action: pass", true},
        {"protocol: icmp, icmp: 3, action: drop", "protocol: icmp, icmp: 3/4, action: pass", true},
        {"protocol: icmp, icmp: 3/4, action: drop", "protocol: icmp, icmp: 3, action: pass", false},
        {"protocol: tcp, tcp_flags: syn, action: drop", "protocol: tcp, tcp_flags: 'syn,!ack', action: pass", true},
        {"protocol: tcp, tcp_flags: 'syn,!ack', action: drop", "protocol: tcp, tcp_flags: syn, action: pass", false},
        {"protocol: tcp, established: true, action: drop", "protocol: tcp, action: pass", false},
        // Rules of IP packets and rules of other frames.
        {"action: drop", "ethertype: macsec, action: pass", false},
        {"ethertype: macsec, action: drop", "action: pass", false},
        {"ethertype: [macsec, ptp], action: drop", "ethertype: ptp, action: pass", true},
        {"ethertype: ptp, action: drop", "ethertype: [macsec, ptp], action: pass", false},
        {"ethertype: ptp, action: pass", "ethertype: ptp, vlan: 7, action: drop", true},
        // A pass rule that keeps state matches openers alone.
        {"action: pass", "action: pass", true},
        {"action: pass", "state: none, action: pass", false},
        {"action: pass", "action: drop", false},
        {"state: none, action: pass", "action: pass", true},
    };
    for (const auto& row : rows)
        EXPECT_EQ(hides(row.earlier, row.later), row.hidden) << row.earlier << " | " << row.later;
}

TEST(Hidden, OtherSide) {
    EXPECT_EQ(
        warnings_of("rules:\n- {name: a, side: external, action: drop}\n- {name: b, side: internal, action: pass}\n"),
        "");
}

TEST(Hidden, WhatHidesManyIsNamed) {
    std::string rules = "rules:\n- {name: all, side: external, protocol: tcp, action: pass}\n";
    for (int i = 0; i < 30; ++i)
        rules += "- {name: r" + std::to_string(i) +
                 ", side: external, protocol: tcp, local_port: " + std::to_string(i + 1) + ", action: pass}\n";
    const std::string warnings = warnings_of(rules);
    EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 11) << warnings;
    EXPECT_NE(
        warnings.find("'all' matches all packets of 20 further rules behind it, which never decide; move it down"),
        std::string::npos)
        << warnings;
    EXPECT_NE(warnings.find("'r9' never decides"), std::string::npos);
    EXPECT_EQ(warnings.find("'r10' never decides"), std::string::npos);
}

// The index must find what comparing each pair finds.
TEST(Hidden, IndexEqualsAllPairs) {
    std::mt19937 random(9);
    const auto address = [&] {
        const int length = 8 * static_cast<int>(random() % 5);
        const Address any{Family::kIpv4, 0x0a000000u | (random() % 2 << 16) | (random() % 2 << 8) | random() % 2};
        const uint128 mask = length == 0 ? 0 : ~uint128{0} << (32 - length) & 0xffffffffu;
        return AddressRange::of({{Family::kIpv4, any.value & mask}, length});
    };
    for (int round = 0; round < 200; ++round) {
        Policy policy;
        for (int i = 0; i < 20; ++i) {
            Rule rule;
            rule.id = std::to_string(i);
            rule.where = {"p", i + 1, 1};
            rule.side = random() % 2 == 0 ? Side::kExternal : Side::kInternal;
            if (random() % 4 != 0) rule.local.ranges = {address()};
            if (random() % 4 != 0) rule.remote.ranges = {address()};
            policy.rules.push_back(rule);
        }
        std::map<std::size_t, std::size_t> hidden;  // rules that a rule is the first to hide
        for (std::size_t later = 0; later < policy.rules.size(); ++later) {
            std::size_t earlier = 0;
            while (earlier < later && !covers(policy.rules[earlier], policy.rules[later]))
                ++earlier;
            if (earlier < later) ++hidden[earlier];
        }
        std::size_t lines = 0;  // ten of one rule are named, the others are counted
        for (const auto& [rule, count] : hidden)
            lines += std::min<std::size_t>(count, 11);
        Diagnostics diagnostics;
        warn_of_hidden_rules(policy, diagnostics);
        ASSERT_EQ(diagnostics.warnings("p").size(), lines) << "round " << round;
    }
}

TEST(Hidden, GivesUpInAMoment) {
    Policy policy;
    for (int i = 0; i < 20'000; ++i) {
        Rule rule;
        rule.id = std::to_string(i);
        rule.protocol = 6;
        rule.local_port = {{static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i)}};
        policy.rules.push_back(rule);
    }
    Diagnostics diagnostics;
    const auto start = std::chrono::steady_clock::now();
    warn_of_hidden_rules(policy, diagnostics);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    EXPECT_TRUE(diagnostics.ok());
}

TEST(BehindNat, RuleThatNamesThePublicEnd) {
    const std::string nat =
        "nat:\n- {name: n, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: "
        "10.0.0.5}\nrules:\n- {name: passes, side: external, protocol: tcp, local: 10.0.0.5, local_port: 80, action: "
        "pass}\n- ";
    const struct {
        const char* rule;
        bool warned;
    } rows[] = {
        {"{name: r, side: external, protocol: tcp, local: 203.0.113.7, local_port: 80, action: pass}", true},
        {"{name: r, side: external, protocol: tcp, local: 203.0.113.7, local_port: 81, action: pass}", false},
        {"{name: r, side: external, protocol: udp, local: 203.0.113.7, local_port: 80, action: pass}", false},
        {"{name: r, side: external, protocol: tcp, local: 203.0.113.7, action: pass}", false},
        {"{name: r, side: external, protocol: tcp, local: 10.0.0.5, local_port: 81, action: pass}", false},
        {"{name: r, side: internal, protocol: tcp, local: 203.0.113.7, local_port: 80, action: pass}", false},
        {"{name: r, side: external, direction: outbound, protocol: tcp, local: 203.0.113.7, local_port: 80, action: "
         "pass}",
         false},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(warnings_of(nat + row.rule + "\n"),
                  row.warned
                      ? "p:6:3: the rule 'r' does not see what arrives at 203.0.113.7: 'n' translates it before the "
                        "rules look; name the target 10.0.0.5 as local\n"
                      : "")
            << row.rule;
    }
}

// A port forward comes before the static entry of the same address: the rule is told the target of the one that
// translates its ports, once.
TEST(BehindNat, PortForwardAndStaticEntryOfOneAddress) {
    const std::string nat =
        "nat:\n"
        "- {name: host, type: static, public: 203.0.113.7, to: 10.0.0.9}\n"
        "- {name: web, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5}\n"
        "- {name: tls, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 443, to: 10.0.0.6}\n"
        "rules:\n"
        "- {name: all, side: external, local: 10.0.0.0/24, action: pass}\n"
        "- {name: r, side: external, direction: inbound, action: drop, local: 203.0.113.7";
    const std::string web = "'web' translates it before the rules look; name the target 10.0.0.5 as local\n";
    const std::string tls = "'tls' translates it before the rules look; name the target 10.0.0.6 as local\n";
    const std::string host = "'host' translates it before the rules look; name the target 10.0.0.9 as local\n";
    const struct {
        std::string match;
        std::vector<std::string> warnings;
    } rows[] = {
        {", protocol: tcp, local_port: 80", {web}},
        {", protocol: udp, local_port: 80", {host}},
        {", protocol: tcp, local_port: 81", {host}},
        {", protocol: tcp, local_port: 80-81", {host}},
        {", protocol: tcp", {host}},
        {"", {host}},
        {", protocol: tcp, local_port: [80, 443]", {web, tls}},
        {", protocol: tcp, local_port: [80, 8080]", {web, host}},
    };
    for (const auto& row : rows) {
        std::string expected;
        for (const std::string& warning : row.warnings)
            expected += "p:8:3: the rule 'r' does not see what arrives at 203.0.113.7: " + warning;
        std::string behind;
        std::istringstream lines(warnings_of(nat + row.match + "}\n"));
        for (std::string line; std::getline(lines, line);) {
            if (line.find("does not see") != std::string::npos) behind += line + "\n";
        }
        EXPECT_EQ(behind, expected) << row.match;
    }
}

TEST(BehindNat, ForwardThatNoRulePasses) {
    const std::string nat =
        "nat:\n- {name: n, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5, "
        "to_port: 8080}\n";
    const std::string warning =
        "p:3:3: the forward 'n' brings in what no rule passes; add an external inbound rule with local 10.0.0.5 and "
        "local_port 8080\n";
    EXPECT_EQ(warnings_of(nat), warning);
    const struct {
        const char* rule;
        bool warned;
    } rows[] = {
        {"protocol: tcp, local: 10.0.0.5, local_port: 8080, action: pass", false},
        {"local: 10.0.0.0/24, action: pass", false},
        {"protocol: tcp, local_port: [80, 8000-8100], action: pass", false},
        {"protocol: tcp, local: host.example.com, action: pass", false},
        {"protocol: tcp, local: 10.0.0.5, local_port: 80, action: pass", true},
        {"protocol: udp, local: 10.0.0.5, local_port: 8080, action: pass", true},
        {"protocol: tcp, local: 10.0.0.6, local_port: 8080, action: pass", true},
        {"protocol: tcp, local: 10.0.0.5, direction: outbound, action: pass", true},
        {"protocol: tcp, local: 10.0.0.5, action: drop", true},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(warnings_of(nat + "rules:\n- {name: r, side: external, " + row.rule + "}\n"),
                  row.warned ? warning : "")
            << row.rule;
    }
    EXPECT_EQ(warnings_of("default: {external: {inbound: pass}}\n" + nat), "");
}

// The default of the direction in which an entry is used, and where the missing rule belongs: by type and side.
TEST(BehindNat, WhereTheRuleBelongs) {
    const std::string forward = "type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5";
    const std::string whole = "type: static, public: 203.0.113.8, to: 10.0.0.6";
    const std::string masquerade = "type: masquerade, from: 10.0.0.0/24, as: 203.0.113.9";
    const struct {
        std::string entry;
        const char* side;
        const char* direction;
        const char* warning;
    } rows[] = {
        {forward, "external", "inbound",
         "the forward 'n' brings in what no rule passes; add an external inbound rule with local 10.0.0.5 and "
         "local_port 80"},
        {forward, "internal", "outbound",
         "the forward 'n' brings in what no rule passes; add an internal outbound rule with local 10.0.0.5 and "
         "local_port 80"},
        {whole, "external", "inbound",
         "the static entry 'n' brings in what no rule passes; add an external inbound rule with local 10.0.0.6"},
        {masquerade, "external", "outbound",
         "the masquerade 'n' sends out what no rule passes; add an external outbound rule with local 10.0.0.0/24"},
        {masquerade, "internal", "inbound",
         "the masquerade 'n' sends out what no rule passes; add an internal inbound rule with local 10.0.0.0/24"},
    };
    for (const auto& row : rows) {
        const std::string side = row.side, direction = row.direction;
        const std::string other = direction == "inbound" ? "outbound" : "inbound";
        const std::string nat = "nat:\n- {name: n, side: " + side + ", " + row.entry + "}\n";
        const std::string warning = std::string("p:3:3: ") + row.warning + "\n";
        EXPECT_EQ(warnings_of(nat), warning);
        const auto rule = [&](const std::string& of_direction) {
            return "rules:\n- {name: r, side: " + side + ", direction: " + of_direction + ", action: pass}\n";
        };
        EXPECT_EQ(warnings_of(nat + rule(direction)), "") << warning;
        EXPECT_EQ(warnings_of(nat + rule(other)), warning);
        const auto by_default = [&](const std::string& of_direction) {
            return warnings_of("default: {" + side + ": {" + of_direction + ": pass}}\n" + nat);
        };
        EXPECT_EQ(by_default(direction), "") << warning;
        EXPECT_NE(by_default(other), "") << warning;
    }
}

// A hairpin needs a rule at both hooks of internal cards beside that of its forward outside.
TEST(BehindNat, HairpinThatNoRulePasses) {
    const std::string hairpin = ", hairpin: {from: [10.0.0.0/24, 10.0.1.0/24], as: 10.0.0.1}}\n";
    const std::string forward =
        "default: {external: {inbound: pass}, internal: {inbound: pass}}\nnat:\n"
        "- {name: n, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80-89, to: 10.0.0.5, "
        "to_port: 8080" +
        hairpin;
    const std::string whole =
        "default: {external: {inbound: pass}, internal: {inbound: pass}}\nnat:\n"
        "- {name: n, type: static, public: 203.0.113.7, to: 10.0.0.5" +
        hairpin;
    const std::string of_forward =
        "p:4:127: the hairpin of 'n' brings in what no rule passes; add an internal outbound rule with local 10.0.0.5 "
        "and local_port 8080-8089 and remote 10.0.0.0/24\n";
    const std::string of_static =
        "p:4:71: the hairpin of 'n' brings in what no rule passes; add an internal outbound rule with local "
        "10.0.0.5 and remote 10.0.0.0/24\n";
    EXPECT_EQ(warnings_of(forward), of_forward);
    EXPECT_EQ(warnings_of(whole), of_static);
    const struct {
        const char* rule;
        bool forward_warned, static_warned;
    } rows[] = {
        {"side: internal, direction: outbound, protocol: tcp, local: 10.0.0.5, local_port: 8089", false, false},
        {"side: internal, direction: both, local: 10.0.0.5, remote: 10.0.1.7", false, false},
        {"side: internal", false, false},
        {"side: internal, protocol: udp, local: 10.0.0.5", true, false},
        {"side: internal, protocol: tcp, local: 10.0.0.5, local_port: 8090", true, false},
        {"side: internal, local: 10.0.0.6", true, true},
        {"side: internal, local: 10.0.0.5, remote: 10.0.2.0/24", true, true},
        {"side: internal, direction: inbound, local: 10.0.0.5", true, true},
        {"side: external, direction: both, local: 10.0.0.5", true, true},
        {"side: external, direction: outbound, local: 10.0.0.5", true, true},
    };
    for (const auto& row : rows) {
        const std::string rules = std::string("rules:\n- {name: r, action: pass, ") + row.rule + "}\n";
        EXPECT_EQ(warnings_of(forward + rules), row.forward_warned ? of_forward : "") << row.rule;
        EXPECT_EQ(warnings_of(whole + rules), row.static_warned ? of_static : "") << row.rule;
    }
    // What passes it inside passes nothing outside, and each of its three hooks is told of.
    const std::string nat =
        "nat:\n- {name: n, type: static, public: 203.0.113.7, to: 10.0.0.5, hairpin: {from: 10.0.0.0/24, as: "
        "10.0.0.1}}\n";
    EXPECT_EQ(warnings_of(nat + "rules:\n- {name: r, side: internal, direction: both, action: pass}\n"),
              "p:3:3: the static entry 'n' brings in what no rule passes; add an external inbound rule with local "
              "10.0.0.5\n");
    EXPECT_EQ(warnings_of(nat),
              "p:3:3: the static entry 'n' brings in what no rule passes; add an external inbound rule with local "
              "10.0.0.5\n"
              "p:3:71: the hairpin of 'n' brings in what no rule passes; add an internal outbound rule with local "
              "10.0.0.5 and remote 10.0.0.0/24\n"
              "p:3:71: the masquerade 'n/hairpin' sends out what no rule passes; add an internal inbound rule with "
              "local 10.0.0.0/24\n");
}

}  // namespace
}  // namespace edgefw::policy
