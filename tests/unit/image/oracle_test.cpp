// SPDX-License-Identifier: GPL-2.0-only
// The oracle is what all else is measured by: here its own stories, one paragraph of docs/semantics.md each.
#include "tests/support/oracle.h"

#include <gtest/gtest.h>

#include "tests/unit/image/policies.h"

namespace edgefw::test {
namespace {

using policy::Action;
using policy::Policy;
using policy::Rule;
using policy::State;

Policy with_timeouts(Policy policy) {
    std::fill(std::begin(policy.timeout), std::end(policy.timeout), 60);
    return policy;
}

Policy web_and_dns() {
    Rule web = tcp_rule("web");
    web.local_port = {{443, 443}};
    Rule dns = tcp_rule("dns");
    dns.protocol = IPPROTO_UDP;
    dns.local_port = {{53, 53}};
    Rule ping = tcp_rule("ping");
    ping.protocol = IPPROTO_ICMP;
    return with_timeouts(policy_of({web, dns, ping}));
}

std::string judge(Oracle& oracle, const std::string& text) {
    return oracle.judge(packet_of(text)).to_text();
}

const char* const kSyn = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443";
const char* const kAck = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ack";
const char* const kReply = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 syn,ack";

TEST(Oracle, WithoutAPolicyEverythingPasses) {
    Oracle oracle;
    EXPECT_EQ(judge(oracle, kSyn), "pass no-policy");
    EXPECT_EQ(oracle.judge(OtherFrame{.ethertype = 0x88cc}).to_text(), "pass no-policy");
}

TEST(Oracle, TcpConnection) {
    Oracle oracle(web_and_dns());
    EXPECT_EQ(judge(oracle, kReply), "drop default");
    EXPECT_EQ(judge(oracle, kAck), "drop default");
    EXPECT_EQ(judge(oracle, kSyn), "pass rule web opened");
    EXPECT_EQ(judge(oracle, kSyn), "pass connection web");
    EXPECT_EQ(judge(oracle, kReply), "pass connection web");
    EXPECT_EQ(judge(oracle, kAck), "pass connection web");
    EXPECT_EQ(judge(oracle, std::string(kSyn) + " rst"), "pass connection web");
    EXPECT_EQ(judge(oracle, kAck), "pass connection web");   // last segments
    EXPECT_EQ(judge(oracle, kSyn), "pass rule web opened");  // closed: a SYN opens another
}

TEST(Oracle, ConnectionsTimeOut) {
    Oracle oracle(web_and_dns());
    EXPECT_EQ(judge(oracle, kSyn), "pass rule web opened");
    oracle.wait(61);
    EXPECT_EQ(judge(oracle, kReply), "drop default");
}

TEST(Oracle, UdpAndEcho) {
    Oracle oracle(web_and_dns());
    EXPECT_EQ(judge(oracle, "external outbound udp 192.0.2.20:53 > 198.51.100.9:5353"), "drop default");
    EXPECT_EQ(judge(oracle, "external inbound udp 198.51.100.9:5353 > 192.0.2.20:53"), "pass rule dns opened");
    EXPECT_EQ(judge(oracle, "external outbound udp 192.0.2.20:53 > 198.51.100.9:5353"), "pass connection dns");
    EXPECT_EQ(judge(oracle, "external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply"), "drop default");
    EXPECT_EQ(judge(oracle, "external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request"), "pass rule ping opened");
    EXPECT_EQ(judge(oracle, "external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply"), "pass connection ping");
    EXPECT_EQ(judge(oracle, "external inbound icmp 198.51.100.9 > 192.0.2.20 3/4"), "pass rule ping");
    EXPECT_EQ(judge(oracle, "external outbound icmp 192.0.2.20 > 198.51.100.9 3/4"), "drop icmp-unrelated");
}

TEST(Oracle, ARemovedRuleEndsItsConnectionsAnUnchangedOneNone) {
    Oracle oracle(web_and_dns());
    EXPECT_EQ(judge(oracle, kSyn), "pass rule web opened");
    Policy renamed = web_and_dns();
    renamed.rules[0].id = "tls";
    oracle.push(renamed);
    EXPECT_EQ(judge(oracle, kReply), "pass connection tls");
    oracle.push(with_timeouts(policy_of({})));
    EXPECT_EQ(judge(oracle, kReply), "drop revoked");
    EXPECT_EQ(judge(oracle, kReply), "drop default");
}

TEST(Oracle, ASynTheRulesNowDropIsDroppedByThem) {
    Oracle oracle(web_and_dns());
    EXPECT_EQ(judge(oracle, kSyn), "pass rule web opened");
    oracle.push(with_timeouts(policy_of({drop_rule("all")})));
    EXPECT_EQ(judge(oracle, kSyn), "drop rule all");
    EXPECT_EQ(judge(oracle, kReply), "drop default");
}

TEST(Oracle, DefaultPassKeepsStateWhereTheOtherDirectionDrops) {
    Policy policy = with_timeouts(policy_of({}));
    policy.defaults[EDGEFW_EXTERNAL][1] = Action::kPass;
    Oracle oracle(policy);
    EXPECT_EQ(judge(oracle, "external inbound tcp 198.51.100.9:443 > 192.0.2.20:40000 syn,ack"), "drop default");
    EXPECT_EQ(judge(oracle, "external outbound tcp 192.0.2.20:40000 > 198.51.100.9:443"), "pass default opened");
    EXPECT_EQ(judge(oracle, "external inbound tcp 198.51.100.9:443 > 192.0.2.20:40000 syn,ack"), "pass connection");
    EXPECT_EQ(judge(oracle, "external outbound tcp 192.0.2.20:1 > 198.51.100.9:443 ack"), "pass default");
}

policy::Forward gateway(const std::string& target) {
    policy::Forward forward;
    forward.id = "map";
    forward.protocol = IPPROTO_TCP;
    forward.public_address = *Address::parse("203.0.113.7");
    forward.public_port = 443;
    forward.target = *Address::parse(target);
    forward.target_port = 443;
    return forward;
}

TEST(Oracle, OneConnectionHasOnePublicEnd) {
    Policy policy = web_and_dns();
    policy.forwards = {gateway("192.0.2.20")};
    Oracle oracle(policy);
    const std::string through = "external inbound tcp 198.51.100.9:40000 > 203.0.113.7:443";
    EXPECT_EQ(judge(oracle, through), "pass rule web via map opened");
    EXPECT_EQ(judge(oracle, kSyn), "drop nat-collision web");
    EXPECT_EQ(judge(oracle, through + " ack"), "pass connection web via map");
    EXPECT_EQ(judge(oracle, kAck), "drop default");
    EXPECT_EQ(judge(oracle, kReply), "pass connection web via map");
    EXPECT_EQ(oracle.left().to_text(), "external outbound tcp 203.0.113.7:443 > 198.51.100.9:40000 syn,ack");
}

TEST(Oracle, AForwardThatMovesRevokes) {
    Policy policy = web_and_dns();
    policy.forwards = {gateway("192.0.2.20")};
    Oracle oracle(policy);
    const std::string through = "external inbound tcp 198.51.100.9:40000 > 203.0.113.7:443";
    EXPECT_EQ(judge(oracle, through), "pass rule web via map opened");
    oracle.push(policy);
    EXPECT_EQ(judge(oracle, through + " ack"), "pass connection web via map");
    policy.forwards = {gateway("192.0.2.21")};
    oracle.push(policy);
    EXPECT_EQ(judge(oracle, through + " ack"), "drop revoked");
    EXPECT_EQ(judge(oracle, through + " ack"), "drop default via map");
}

TEST(Oracle, Fragments) {
    Oracle oracle(web_and_dns());
    Sample first{.packet = packet_of(kSyn), .fragment = Sample::Fragment::kFirst, .fragment_id = 7};
    Sample later = first;
    later.fragment = Sample::Fragment::kLater;
    EXPECT_EQ(oracle.judge(later).to_text(), "drop fragment-without-first");
    EXPECT_EQ(oracle.judge(first).to_text(), "pass rule web opened");
    EXPECT_EQ(oracle.judge(later).to_text(), "pass fragment web");
    later.fragment_id = 8;
    EXPECT_EQ(oracle.judge(later).to_text(), "drop fragment-without-first");
}

struct BuiltinCase {
    const char* packet;
    int hop_limit;
    const char* verdict;
};

TEST(Oracle, Builtins) {
    Policy policy = policy_of({});
    policy.builtins = (1u << EDGEFW_BUILTIN_COUNT) - 1;
    Oracle oracle(policy);
    const std::vector<BuiltinCase> cases = {
        {"external inbound icmp6 fe80::1 > ff02::1:ff00:1 135/0", 255, "pass builtin builtin/nd"},
        {"external inbound icmp6 fe80::1 > ff02::1:ff00:1 135/0", 254, "drop default"},
        {"external outbound icmp6 fe80::1 > ff02::16 143/0", 1, "pass builtin builtin/mld"},
        {"external outbound icmp6 2001:db8::1 > ff02::16 143/0", 1, "drop default"},
        {"external inbound 2 192.0.2.1 > 224.0.0.1", 1, "pass builtin builtin/igmp"},
        {"external inbound 2 192.0.2.1 > 224.0.0.1", 2, "drop default"},
        {"external outbound udp 0.0.0.0:68 > 255.255.255.255:67", 64, "pass builtin builtin/dhcp"},
        {"external inbound udp 192.0.2.1:67 > 255.255.255.255:68", 64, "pass builtin builtin/dhcp"},
        {"external inbound udp 192.0.2.1:67 > 192.0.2.2:68", 64, "drop default"},
        {"external outbound udp 192.0.2.2:68 > 192.0.2.1:67", 64, "drop default"},
        {"external inbound udp 192.0.2.2:68 > 192.0.2.1:67", 64, "drop default"},
        {"internal inbound udp [fe80::1]:546 > [ff02::1:2]:547", 1, "pass builtin builtin/dhcpv6"},
        {"internal outbound udp [fe80::1]:546 > [ff02::1:2]:547", 1, "drop default"},
        {"external inbound udp [fe80::1]:40000 > [fe80::2]:546", 1, "pass builtin builtin/dhcpv6"},
        {"external inbound udp [2001:db8::1]:547 > [fe80::2]:546", 1, "drop default"},
        {"external inbound udp [fe80::1]:547 > [2001:db8::2]:546", 1, "drop default"},
    };
    for (const BuiltinCase& row : cases) {
        const Sample sample{.packet = packet_of(row.packet), .hop_limit = static_cast<std::uint8_t>(row.hop_limit)};
        EXPECT_EQ(oracle.judge(sample).to_text(), row.verdict) << row.packet;
    }
    EXPECT_EQ(oracle.judge(OtherFrame{.ethertype = 0x0806}).to_text(), "pass builtin builtin/arp");
    EXPECT_EQ(oracle.judge(OtherFrame{.ethertype = 0x88cc}).to_text(), "drop unsupported-ethertype");
    EXPECT_EQ(oracle.judge(OtherFrame{.ethertype = 0x88cc, .to_link_local_group = true}).to_text(),
              "pass builtin builtin/link-local");
}

}  // namespace
}  // namespace edgefw::test
