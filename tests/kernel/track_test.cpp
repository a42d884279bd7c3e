// track: what opens a connection, what belongs to one, and when it ends.
#include <gtest/gtest.h>

#include "tests/kernel/services.h"

namespace edgefw::test {
namespace {

TEST(Track, Tcp) {
    TestRun run(kServices);
    tell(run, {
                  {kBack + "syn,ack", "drop default"},
                  {kThere + "ack", "drop default"},
                  {kThere + "syn", "pass rule web opened"},
                  {kThere + "syn", "pass connection web"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
                  {kThere + "psh,ack", "pass connection web"},
                  {kBack + "ack", "pass connection web"},
                  {"external outbound tcp 192.0.2.20:443 > 198.51.100.9:40001 ack", "drop default"},
                  {"external outbound tcp 192.0.2.20:444 > 198.51.100.9:40000 ack", "drop default"},
                  {"external outbound tcp 192.0.2.21:443 > 198.51.100.9:40000 ack", "drop default"},
                  {"external outbound tcp 192.0.2.20:443 > 198.51.100.8:40000 ack", "drop default"},
                  {"external outbound udp 192.0.2.20:443 > 198.51.100.9:40000", "drop default"},
                  {"external inbound tcp 192.0.2.20:443 > 198.51.100.9:40000 ack", "drop default"},
              });
    EXPECT_EQ(run.counter("web").packets, 6u);
    EXPECT_EQ(run.counter("web").connections, 1u);
}

TEST(Track, TcpOverIpv6) {
    TestRun run(kServices);
    tell(run, {
                  {"external outbound tcp [2001:db8::2]:443 > [2001:db8::1]:1 syn,ack", "drop default"},
                  {"external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:443 syn", "pass rule web opened"},
                  {"external outbound tcp [2001:db8::2]:443 > [2001:db8::1]:1 syn,ack", "pass connection web"},
                  {"external outbound tcp [2001:db8::2]:443 > [2001:db8::1:0:0:1]:1 ack", "drop default"},
                  {"external outbound tcp [2001:db8:1::2]:443 > [2001:db8::1]:1 ack", "drop default"},
              });
}

// SYN with ACK, RST and FIN clear; the other flags do not matter.
TEST(Track, WhatOpensTcp) {
    const struct {
        const char* flags;
        const char* expected;
    } rows[] = {
        {"syn", "pass rule web opened"},
        {"syn,ece,cwr", "pass rule web opened"},
        {"syn,psh,urg", "pass rule web opened"},
        {"syn,ack", "drop default"},
        {"syn,rst", "drop default"},
        {"syn,fin", "drop default"},
        {"ack", "drop default"},
        {"none", "drop default"},
        {"fin", "drop default"},
        {"rst", "drop default"},
        {"fin,psh,urg", "drop default"},
        {"fin,syn,rst,psh,ack,urg,ece,cwr", "drop default"},
    };
    TestRun run(kServices);
    for (const auto& row : rows) {
        run.forget();
        EXPECT_EQ(run.judge(kThere + row.flags), row.expected) << row.flags;
    }
}

TEST(Track, Udp) {
    TestRun run(kServices);
    tell(run, {
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5353", "drop default"},
                  {"external inbound udp 198.51.100.9:5353 > 192.0.2.20:53", "pass rule dns opened"},
                  {"external inbound udp 198.51.100.9:5353 > 192.0.2.20:53", "pass connection dns"},
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5353", "pass connection dns"},
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5354", "drop default"},
              });
}

// Both ends ping with the same identifier: two connections, each with its own replies.
TEST(Track, EchoBothWays) {
    const auto echo = [](bool there, std::uint8_t type, std::uint16_t id) {
        Ipv4 ip;
        if (!there) std::swap(ip.source, ip.destination);
        return frame(Ethernet{}, ip, Icmp{.type = type, .id = id}, payload(8));
    };
    TestRun run(kServices);
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 0, 7)), "drop default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 8, 7)), "pass rule ping opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 0, 7)), "drop default") << "a reply nobody asked for";
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 0, 7)), "pass connection ping");
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 0, 8)), "drop default") << "another identifier";
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 8, 7)), "pass rule ping opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 0, 7)), "pass connection ping");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 8, 7)), "pass connection ping");
    EXPECT_EQ(run.counter("ping").connections, 2u);
}

TEST(Track, EchoOverIpv6) {
    const auto echo = [](bool there, std::uint8_t type) {
        Ipv6 ip;
        if (!there) std::swap(ip.source, ip.destination);
        return frame(Ethernet{}, ip, Icmp{.type = type}, payload(8));
    };
    TestRun run(kServices);
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 129)), "drop default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 128)), "pass rule ping6 opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 129)), "pass connection ping6");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 129)), "drop default");
}

// (protocol, local, remote): any packet of it opens.
TEST(Track, OtherProtocols) {
    TestRun run(kServices);
    tell(run, {
                  {"external outbound 47 192.0.2.20 > 198.51.100.9", "drop default"},
                  {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass rule gre opened"},
                  {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass connection gre"},
                  {"external outbound 47 192.0.2.20 > 198.51.100.9", "pass connection gre"},
                  {"external outbound 47 192.0.2.20 > 198.51.100.8", "drop default"},
                  {"external outbound 46 192.0.2.20 > 198.51.100.9", "drop default"},
              });
}

// Each way a TCP connection ends: its last segments still pass, and a SYN opens another.
TEST(Track, TcpEnds) {
    const struct {
        const char* name;
        std::vector<std::string> ending;
    } rows[] = {
        {"RST from the opener", {kThere + "rst"}},
        {"RST from the other end", {kBack + "rst,ack"}},
        {"FIN from the opener first", {kThere + "fin,ack", kBack + "ack", kBack + "fin,ack", kThere + "ack"}},
        {"FIN from the other end first", {kBack + "fin,ack", kThere + "ack", kThere + "fin,ack", kBack + "ack"}},
        {"FIN again and again", {kThere + "fin,ack", kThere + "fin,ack", kBack + "fin,ack", kBack + "fin,ack"}},
    };
    TestRun run(kServices);
    for (const auto& row : rows) {
        run.forget();
        EXPECT_EQ(run.judge(kThere + "syn"), "pass rule web opened");
        EXPECT_EQ(run.judge(kBack + "syn,ack"), "pass connection web");
        for (const std::string& segment : row.ending)
            EXPECT_EQ(run.judge(segment), "pass connection web") << row.name << ": " << segment;
        EXPECT_EQ(run.judge(kBack + "ack"), "pass connection web") << row.name << ": a retransmission";
        EXPECT_EQ(run.judge(kThere + "syn"), "pass rule web opened") << row.name;
    }
}

// Closed by one end alone it is still open: a SYN belongs to it.
TEST(Track, HalfClosedIsOpen) {
    TestRun run(kServices);
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "fin,ack", "pass connection web"},
                  {kBack + "psh,ack", "pass connection web"},
                  {kThere + "syn", "pass connection web"},
              });
}

// RFC 9293 section 3.5: the SYN of the other end belongs to the connection that a rule of this end opened.
TEST(Track, SimultaneousOpen) {
    TestRun run("rules:\n- {name: out, side: external, direction: outbound, protocol: tcp, action: pass}\n");
    tell(run, {
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:4000", "drop default"},
                  {"external outbound tcp 192.0.2.20:4000 > 198.51.100.9:4000", "pass rule out opened"},
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:4000", "pass connection out"},
                  {"external inbound tcp 198.51.100.9:4001 > 192.0.2.20:4000", "drop default"},
              });
}

// Both directions have a rule: the connection counts for the one that opened it.
TEST(Track, CountsForTheOpener) {
    TestRun run(
        "rules:\n"
        "- {name: in, side: external, direction: inbound, protocol: udp, local_port: 5000, action: pass}\n"
        "- {name: out, side: external, direction: outbound, protocol: udp, local_port: 5000, action: pass}\n");
    tell(run, {
                  {"external outbound udp 192.0.2.20:5000 > 198.51.100.9:5000", "pass rule out opened"},
                  {"external inbound udp 198.51.100.9:5000 > 192.0.2.20:5000", "pass connection out"},
                  {"external inbound udp 198.51.100.8:5000 > 192.0.2.20:5000", "pass rule in opened"},
                  {"external outbound udp 192.0.2.20:5000 > 198.51.100.8:5000", "pass connection in"},
              });
}

// A rule without state judges each packet alone, and a SYN it passes belongs to nothing.
TEST(Track, StatelessRules) {
    TestRun run(
        "rules:\n"
        "- {name: none, side: external, direction: inbound, protocol: tcp, local_port: 80, state: none, action: pass}\n"
        "- {name: out, side: external, direction: outbound, protocol: tcp, remote_port: 4000, action: pass}\n");
    tell(run, {
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:80 syn", "pass rule none"},
                  {"external outbound tcp 192.0.2.20:80 > 198.51.100.9:4000 syn,ack", "drop default"},
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:80 ack", "pass rule none"},
                  {"external outbound tcp 192.0.2.20:80 > 198.51.100.9:4000 syn", "pass rule out opened"},
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:80 ack", "pass connection out"},
                  {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:80 syn", "pass rule none"},
              });
}

// A drop rule in front of nothing known: a connection that is open goes on by the rule that opened it.
TEST(Track, DecidesBeforeTheRules) {
    TestRun run(
        "rules:\n"
        "- {name: no-acks, side: external, protocol: tcp, tcp_flags: ack, action: drop}\n"
        "- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}\n");
    tell(run, {
                  {kThere + "ack", "drop rule no-acks"},
                  {kThere + "syn", "pass rule web opened"},
                  {kThere + "ack", "pass connection web"},
                  {kBack + "syn,ack", "pass connection web"},
              });
}

}  // namespace
}  // namespace edgefw::test
