// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/partly_hidden.h"

#include "tests/unit/language/language.h"
#include "userspace/packet/notation.h"

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

// What is said of a drop rule behind a pass rule, both keys of a flow mapping: "all EXAMPLE", "a part EXAMPLE", or
// nothing.
std::string said(const std::string& pass, const std::string& drop) {
    const std::string warnings = warnings_of(
        "sets: {bad: [198.51.100.7, 2001:db8::7], none: []}\nrules:\n"
        "- { name: p, side: external, action: pass, " +
        pass + " }\n- { name: d, side: external, action: drop, " + drop + " }\n");
    if (warnings.empty()) return "";
    const bool all =
        warnings.find("drops nothing that opens a connection: 'p' before it passes all") != std::string::npos;
    const bool part =
        warnings.find("does not drop all that it names: 'p' before it passes a part") != std::string::npos;
    EXPECT_NE(all, part) << warnings;
    const std::size_t begin = warnings.find("such as '");
    if (begin == std::string::npos) return all ? "all" : "a part";
    const std::string example = warnings.substr(begin + 9, warnings.find('\'', begin + 9) - begin - 9);
    EXPECT_TRUE(packet::parse(example)) << example;
    return (all ? "all " : "a part ") + example;
}

TEST(PartlyHidden, LikelyMistakes) {
    const struct {
        const char* pass;
        const char* drop;
        const char* said;
    } rows[] = {
        // Blocked too late: the service is for everybody, these hosts among them.
        {"direction: inbound, protocol: tcp, local_port: 443", "remote: 203.0.113.0/24",
         "a part external inbound tcp 203.0.113.0:40000 > 192.0.2.10:443"},
        {"direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: [80, 443]",
         "protocol: tcp, local: 10.0.0.5, remote: 203.0.113.7",
         "a part external inbound tcp 203.0.113.7:40000 > 10.0.0.5:80"},
        {"direction: outbound, protocol: udp", "remote: [10.0.0.0/8, 192.168.0.0/16]",
         "a part external outbound udp 192.0.2.10:40000 > 10.0.0.0:443"},
        {"protocol: tcp", "remote: $bad", "a part external inbound tcp 198.51.100.7:40000 > 192.0.2.10:443"},
        {"protocol: tcp", "remote: $none", "a part"},
        {"protocol: icmp", "remote: $bad", "a part external inbound icmp 198.51.100.7 > 192.0.2.10 echo-request"},
        {"protocol: icmp6", "remote: $bad", "a part external inbound icmp6 2001:db8::7 > 2001:db8::10 echo-request"},
        {"protocol: 47", "remote: 2001:db8::/32", "a part external inbound 47 2001:db8:: > 2001:db8::10"},
        {"vlan: 10, protocol: tcp", "remote: 2001:db8::7",
         "a part external inbound tcp [2001:db8::7]:40000 > [2001:db8::10]:443 vlan 10"},
        // Ports that go over each other.
        {"protocol: tcp, local_port: 80-443", "protocol: tcp, local_port: 400-500",
         "a part external inbound tcp 198.51.100.9:40000 > 192.0.2.10:400"},
        // The pass rule describes openers, the drop every packet: only what opens nothing is left to it.
        {"protocol: tcp", "protocol: tcp, remote: 203.0.113.7",
         "all external inbound tcp 203.0.113.7:40000 > 192.0.2.10:443"},
        {"direction: outbound", "direction: outbound, protocol: tcp, remote_port: 25",
         "all external outbound tcp 192.0.2.10:40000 > 198.51.100.9:25"},
        {"protocol: udp, local: 10.0.0.5", "protocol: udp, local: 10.0.0.5, local_port: 53",
         "all external inbound udp 198.51.100.9:40000 > 10.0.0.5:53"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(said(row.pass, row.drop), row.said) << row.pass << " | " << row.drop;
}

TEST(PartlyHidden, WhatIsMeant) {
    const struct {
        const char* pass;
        const char* drop;
        const char* why;
    } rows[] = {
        {"remote: 10.0.0.5", "remote: 10.0.0.0/8", "an exception"},
        {"protocol: tcp, remote: 10.0.0.5, local_port: 22", "remote: 10.0.0.0/8", "an exception"},
        {"protocol: tcp, local_port: 443", "", "all the rest drops"},
        {"protocol: tcp, local_port: 443", "protocol: tcp", "the rest of it drops"},
        {"direction: outbound, local: 10.0.0.25", "direction: outbound, protocol: tcp, remote_port: 25",
         "one host may what no other may"},
        {"protocol: tcp, remote: 192.0.2.9, local_port: 22", "local: 10.0.0.5",
         "one host may reach also what is closed"},
        {"remote: $bad", "remote: 198.51.100.0/24", "what is in a set may change"},
        {"protocol: tcp, state: none, established: true", "remote: 203.0.113.7", "answers pass, openers drop"},
        {"protocol: tcp, state: none, tcp_flags: ack", "remote: 203.0.113.7", "likewise, by flags"},
        {"protocol: tcp", "protocol: tcp, tcp_flags: 'fin,syn'", "no opener has these flags"},
        {"protocol: icmp", "protocol: icmp, icmp: echo-reply", "no opener"},
        {"protocol: icmp, icmp: echo-request", "protocol: icmp, icmp: timestamp-request, remote: 203.0.113.7",
         "another type"},
        {"protocol: tcp, local_port: 443", "protocol: udp, remote: 203.0.113.7", "another protocol"},
        {"protocol: tcp, local_port: 443", "protocol: tcp, local_port: 22, remote: 203.0.113.7", "another port"},
        {"direction: inbound", "direction: outbound, remote: 203.0.113.7", "another direction"},
        {"vlan: 10", "vlan: 11, remote: 203.0.113.7", "another VLAN"},
        {"protocol: icmp6", "remote: 203.0.113.7", "icmp6 has no IPv4 addresses"},
        {"ethertype: ptp", "remote: 203.0.113.7", "frames that are not IP"},
        {"", "ethertype: [ptp, macsec]", "likewise"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(said(row.pass, row.drop), "") << row.why;
    EXPECT_EQ(warnings_of("rules:\n- { name: d, side: external, remote: 203.0.113.7, action: drop }\n"
                          "- { name: p, side: external, action: pass }\n"
                          "- { name: e, side: internal, remote: 203.0.113.7, action: drop }\n"),
              "")
        << "a drop in front, and one of the other side";
}

TEST(PartlyHidden, NamesBothRules) {
    EXPECT_EQ(warnings_of("rules:\n- { name: web, side: external, protocol: tcp, local_port: 443, action: pass }\n"
                          "- { name: bad, side: external, remote: 203.0.113.7, action: drop }\n"),
              "p:4:3: the rule 'bad' does not drop all that it names: 'web' before it passes a part, such as 'external "
              "inbound tcp 203.0.113.7:40000 > 192.0.2.10:443'; move it up, or narrow the other\n");
}

TEST(PartlyHidden, ManyAreSaidInPart) {
    std::string text = "rules:\n- { name: web, side: external, protocol: tcp, local_port: 443, action: pass }\n";
    for (int i = 0; i < 100; ++i)
        text += "- { name: d" + std::to_string(i) + ", side: external, remote: 203.0.113." + std::to_string(i) +
                ", action: drop }\n";
    const std::string warnings = warnings_of(text);
    EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 21);
    EXPECT_NE(warnings.find("p:24:3: 80 more drop rules come behind pass rules in the same way, from 'd20' on"),
              std::string::npos)
        << warnings;
}

// What is said of a pass rule behind a drop rule: a packet that drops, or nothing.
std::string said_of_pass(const std::string& drop, const std::string& pass) {
    const std::string warnings =
        warnings_of("sets: {bad: [198.51.100.7, 2001:db8::7]}\nrules:\n- { name: d, side: external, action: drop, " +
                    drop + " }\n- { name: p, side: external, action: pass, " + pass + " }\n");
    if (warnings.empty()) return "";
    EXPECT_NE(warnings.find("'p' does not pass all that it names: 'd' before it drops a part"), std::string::npos)
        << warnings;
    const std::size_t begin = warnings.find("such as '");
    if (begin == std::string::npos) return "a part";
    const std::string example = warnings.substr(begin + 9, warnings.find('\'', begin + 9) - begin - 9);
    EXPECT_TRUE(packet::parse(example)) << example;
    return example;
}

TEST(PartlyHidden, PassRulesThatSingleOutWhatDrops) {
    const struct {
        const char* drop;
        const char* pass;
        const char* said;
    } rows[] = {
        {"protocol: tcp, remote: 203.0.113.0/24, local_port: 443", "remote: 203.0.113.0/25",
         "external inbound tcp 203.0.113.0:40000 > 192.0.2.10:443"},
        {"protocol: tcp, local: 10.0.0.0/24, local_port: 1-1023",
         "direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: [80, 8080]",
         "external inbound tcp 198.51.100.9:40000 > 10.0.0.5:80"},
        {"protocol: tcp, local_port: 1-1023", "protocol: tcp, local_port: [443, 8443]",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.10:443"},
        {"direction: outbound, remote: 10.0.0.0/8", "protocol: udp, remote: [10.1.0.0/16, 192.0.2.1]",
         "external outbound udp 192.0.2.10:40000 > 10.1.0.0:443"},
        {"protocol: udp, remote: 2001:db8::/32", "remote: 2001:db8:9::/48",
         "external inbound udp [2001:db8:9::]:40000 > [2001:db8::10]:443"},
        {"vlan: 7, remote: 10.0.0.0/8", "protocol: 47, remote: 10.0.0.9",
         "external inbound 47 10.0.0.9 > 192.0.2.10 vlan 7"},
        // Nothing is left of one direction.
        {"direction: inbound", "protocol: tcp, local_port: 443",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.10:443"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(said_of_pass(row.drop, row.pass), row.said) << row.drop << " | " << row.pass;
}

TEST(PartlyHidden, DropsInFrontThatAreMeant) {
    const struct {
        const char* drop;
        const char* pass;
        const char* why;
    } rows[] = {
        {"remote: 203.0.113.7", "protocol: tcp, local_port: 443", "a host is shut out"},
        {"remote: $bad", "protocol: tcp, local_port: 443", "likewise a set"},
        {"protocol: tcp, remote_port: 25", "direction: outbound, local: 10.0.0.0/24", "a service is shut out"},
        {"protocol: tcp, local_port: 135-139", "local: 10.0.0.5", "likewise several"},
        {"remote: 203.0.113.7, protocol: tcp, local_port: 22", "remote: 203.0.113.0/24", "an exception"},
        {"remote: 10.0.0.0/8", "local: 10.9.0.5", "another end"},
        {"remote: 10.0.0.0/8, local: 192.0.2.7", "remote: 10.1.0.0/16", "of one host alone"},
        {"protocol: tcp, remote: 10.0.0.0/8", "protocol: udp, remote: 10.1.0.0/16", "another protocol"},
        {"protocol: tcp, local_port: 1-1023", "protocol: tcp, local_port: 8443", "another port"},
        {"direction: inbound, protocol: tcp, local_port: 22", "protocol: tcp",
         "a service is shut out of one direction"},
        {"direction: inbound", "direction: outbound, protocol: tcp", "all else of another direction"},
        {"vlan: 7, remote: 10.0.0.0/8", "vlan: 8, remote: 10.1.0.0/16", "another VLAN"},
        {"direction: outbound, remote: 10.0.0.0/8", "direction: inbound, remote: 10.1.0.0/16", "another direction"},
        {"protocol: tcp, remote: 10.0.0.0/8, tcp_flags: 'fin,syn'", "remote: 10.1.0.0/16", "no opener has these"},
        {"protocol: tcp, remote: 10.0.0.0/8, local_port: 22",
         "protocol: tcp, remote: 10.1.0.0/16, state: none, established: true", "half of a connection"},
        {"remote: 10.0.0.0/8, protocol: icmp, icmp: echo-reply", "remote: 10.1.0.0/16", "no opener"},
        {"protocol: tcp, remote: [$bad, 10.0.0.1]", "remote: $bad", "what is in a set may change"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(said_of_pass(row.drop, row.pass), "") << row.why;
}

TEST(PartlyHidden, ManyPassRulesAreSaidInPart) {
    std::string text =
        "rules:\n- { name: ssh, side: external, protocol: tcp, local_port: 22, remote: 10.0.0.0/8, action: drop }\n";
    for (int i = 0; i < 100; ++i)
        text += "- { name: p" + std::to_string(i) + ", side: external, remote: 10.0.0." + std::to_string(i) +
                ", action: pass }\n";
    const std::string warnings = warnings_of(text);
    EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 21);
    EXPECT_NE(warnings.find("p:24:3: 80 more pass rules come behind drop rules in the same way, from 'p20' on"),
              std::string::npos)
        << warnings;
}

// A rule of the same action that decides about the part first: the warning would be wrong, and its packet another's.
TEST(PartlyHidden, APartThatIsDecidedBefore) {
    const std::string ssh =
        "- { name: ssh, side: external, remote: 10.0.0.0/8, protocol: tcp, local_port: 22, action: ";
    const std::string site = "- { name: site, side: external, remote: 10.1.0.0/16, action: pass }\n";
    const auto exception = [](const std::string& keys) {
        return "rules:\n- { name: admins, side: external, protocol: tcp, " + keys + ", action: pass }\n";
    };
    EXPECT_NE(warnings_of("rules:\n" + ssh + "drop }\n" + site), "");
    EXPECT_EQ(warnings_of(exception("remote: 10.1.0.0/16, local_port: 22") + ssh + "drop }\n" + site), "");
    EXPECT_EQ(warnings_of(exception("remote: [10.1.0.0/16, 10.2.0.0/16], local_port: 20-25") + ssh + "drop }\n" + site),
              "");
    EXPECT_NE(warnings_of(exception("remote: 10.1.0.0/17, local_port: 22") + ssh + "drop }\n" + site), "")
        << "a part of the part";
    EXPECT_NE(
        warnings_of(exception("remote: 10.1.0.0/16, local_port: 22, direction: inbound") + ssh + "drop }\n" + site), "")
        << "one direction of it";
    const std::string bad = "side: external, remote: [203.0.113.7, 203.0.113.9], action: drop }\n";
    const std::string web = "- { name: web, side: external, protocol: tcp, local_port: 443, action: pass }\n";
    EXPECT_NE(warnings_of("rules:\n" + web + "- { name: late, " + bad), "");
    EXPECT_EQ(warnings_of("rules:\n- { name: early, protocol: tcp, " + bad + web + "- { name: late, " + bad), "");
}

}  // namespace
}  // namespace edgefw::policy
