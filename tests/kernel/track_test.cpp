// SPDX-License-Identifier: GPL-2.0-only
// track: what opens a connection, what belongs to one, and when it ends.
#include <gtest/gtest.h>

#include "tests/kernel/segments.h"

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
        EXPECT_EQ(run.judge(kThere + "ack"), "pass connection web");
        for (const std::string& segment : row.ending)
            EXPECT_EQ(run.judge(segment), "pass connection web") << row.name << ": " << segment;
        EXPECT_EQ(run.judge(kBack + "ack"), "pass connection web") << row.name << ": a retransmission";
        EXPECT_EQ(run.judge(kThere + "syn"), "pass rule web opened") << row.name;
    }
}

// A reset ends a connection at what its sender has sent, or at what the other end has acknowledged. In the window it
// passes, for the host to challenge; elsewhere neither end can have sent it.
TEST(Track, ResetsCloseAtOneOfTwoNumbers) {
    TestRun run(kServices);
    const struct {
        const char* name;
        bool there;
        std::uint32_t sequence;
        const char* expected;
        bool closes;
    } rows[] = {
        {"before what the other end has acknowledged", true, 0xffffff00, "drop tcp-sequence", false},
        {"what the other end expects", true, 0xffffff01, kPasses, true},
        {"between", true, 0xffffff01 + 1, kPasses, false},
        {"what the opener has sent, and is on its way", true, 0xffffff01 + 300, kPasses, true},
        {"beyond what the opener has sent", true, 0xffffff01 + 301, kPasses, false},
        {"the last in the window", true, 0xffffff01 + 65536, kPasses, false},
        {"beyond the window", true, 0xffffff01 + 65537, "drop tcp-sequence", false},
        {"anything", true, 0x7fffffff, "drop tcp-sequence", false},
        {"back: before", false, 5000, "drop tcp-sequence", false},
        {"back: expected", false, 5001, kPasses, true},
        {"back: beyond", false, 5002, kPasses, false},
    };
    for (const auto& row : rows) {
        run.forget();
        open_at_the_end(run);
        EXPECT_EQ(judge_segment(run, true, segment(true, kPsh | kAck, 0xffffff01, 5001, 300)), kPasses);
        EXPECT_EQ(judge_segment(run, row.there, segment(row.there, kRst, row.sequence, 0)), row.expected) << row.name;
        EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 9000, 0)), row.closes ? "pass rule web opened" : kPasses)
            << row.name;
    }
}

// Numbers move by a segment that fits in both: who guesses one of them makes no room for a forged reset, or a FIN.
TEST(Track, SegmentsThatDoNotFitMoveNoNumbers) {
    const std::uint32_t first = 0xffffff01;
    const struct {
        const char* name;
        std::uint32_t sequence, acknowledgment;
        std::uint8_t flags;
        bool fits;
    } rows[] = {
        {"it fits", first, 5001, kPsh | kAck, true},
        {"the last that the other end takes", first + 65435, 5001, kPsh | kAck, true},
        {"a byte more: a probe of a closed window", first + 65436, 5001, kPsh | kAck, true},
        {"beyond the window", first + 65437, 5001, kPsh | kAck, false},
        {"long before the window", first - 65536, 5001, kPsh | kAck, false},
        {"acknowledges a window more than was sent", first, 5001 + 65536, kPsh | kAck, false},
        {"acknowledges a window less than was", first, 5001u - 65536, kPsh | kAck, false},
        {"acknowledges anything", first, 0x7fffffff, kPsh | kAck, false},
        {"acknowledges nothing", first, 0, kPsh, false},
    };
    for (const auto& row : rows) {
        for (const bool fin : {false, true}) {
            TestRun run(kServices);
            open_at_the_end(run);
            const auto flags = static_cast<std::uint8_t>(row.flags | (fin ? kFin : 0));
            EXPECT_EQ(judge_segment(run, true, segment(true, flags, row.sequence, row.acknowledgment, fin ? 99 : 100)),
                      kPasses);
            if (fin) {
                EXPECT_EQ(judge_segment(run, false, segment(false, kFin | kAck, 5001, first)), kPasses);
                EXPECT_EQ(run.confirmed(), row.fits ? 0u : 1u) << row.name << ": FIN from both ends closes";
            } else if (row.sequence == first) {
                EXPECT_EQ(judge_segment(run, true, segment(true, kRst, first + 100, 0)), kPasses);
                EXPECT_EQ(run.confirmed(), row.fits ? 0u : 1u) << row.name;
            }
        }
    }
}

// What was sent and not seen to fit, the other end's acknowledgment tells of.
TEST(Track, AnAcknowledgmentTellsOfTheOtherEnd) {
    TestRun run(kServices);
    open_at_the_end(run);
    EXPECT_EQ(judge_segment(run, false, segment(false, kAck, 5001, 0xffffff01 + 1000)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kRst, 0xffffff01, 0)), "drop tcp-sequence");
    EXPECT_EQ(judge_segment(run, true, segment(true, kRst, 0xffffff01 + 1000, 0)), kPasses);
    EXPECT_EQ(run.confirmed(), 0u);
}

// Pairs of a byte and a reset behind it, over the whole space of numbers, end nothing.
TEST(Track, BlindPairsCloseNothing) {
    for (const bool learned : {false, true}) {
        TestRun run;
        if (!learned) run.push(kServices);
        const auto judge = [&](bool there, const Bytes& frame) { judge_segment(run, there, frame); };
        if (learned) {
            judge(true, segment(true, kAck, 0xffffff01, 5001));
            judge(false, segment(false, kAck, 5001, 0xffffff01));
            run.push(kServices);
        } else {
            open_at_the_end(run);
        }
        ASSERT_EQ(run.confirmed(), 1u);
        for (std::uint64_t number = 0; number < 1ull << 32; number += 1 << 23) {
            const auto at = static_cast<std::uint32_t>(number);
            judge(true, segment(true, kPsh | kAck, at, 0x12345678, 1));
            judge(true, segment(true, kRst, at + 1, 0));
        }
        EXPECT_EQ(run.confirmed(), 1u) << (learned ? "learned" : "opened");
    }
}

// RFC 7323: windows are scaled where both ends offered it in their SYN.
TEST(Track, WindowScale) {
    const Bytes scaled = {2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 0, 0};  // MSS, NOP, scale 7, SACK
    const std::uint32_t far = 0xffffff01 + 1000000;
    for (const bool with : {false, true}) {
        TestRun run(kServices);
        open_at_the_end(run, with ? scaled : Bytes{});
        EXPECT_EQ(judge_segment(run, false, segment(false, kAck, 5001, 0xffffff01)), kPasses);
        EXPECT_EQ(judge_segment(run, true, segment(true, kAck, far, 5001, 100)), kPasses);
        EXPECT_EQ(judge_segment(run, true, segment(true, kRst, far, 0)), with ? kPasses : "drop tcp-sequence");
        EXPECT_EQ(judge_segment(run, true, segment(true, kRst, far + 100, 0)), with ? kPasses : "drop tcp-sequence");
        EXPECT_EQ(run.confirmed(), with ? 0u : 1u) << "it has sent so far";
    }
}

// Options that end early, or claim to be longer than there is room for, are read as no scale.
TEST(Track, BrokenOptions) {
    const Bytes rows[] = {{1, 1, 1, 1}, {2, 0, 3, 3}, {2, 255, 3, 3}, {3, 3, 255, 0}, {1, 1, 1, 3}, Bytes(40, 1)};
    for (const Bytes& options : rows) {
        TestRun run(kServices);
        open_at_the_end(run, options);
        EXPECT_EQ(judge_segment(run, true, segment(true, kRst, 0xffffff01, 0)), kPasses);
    }
}

// Only the opener's acknowledgment of the answer confirms a connection; what is half open, a reset of any number does
// not confirm, and one that answers the SYN ends.
TEST(Track, Handshake) {
    TestRun run(kServices);
    const auto syn = segment(true, kSyn, 100, 0);
    EXPECT_EQ(judge_segment(run, true, syn), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 700, 9999)), kPasses) << "an answer to another SYN";
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 101, 701)), kPasses);
    EXPECT_EQ(run.half_open(), 1u);
    EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 800, 101)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 101, 50000)), kPasses) << "acknowledges nothing";
    EXPECT_EQ(judge_segment(run, false, segment(false, kRst, 5, 0)), kPasses);
    EXPECT_EQ(run.half_open(), 1u);
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 101, 801)), kPasses);
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(run.confirmed(), 1u);

    run.forget();
    EXPECT_EQ(judge_segment(run, true, syn), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, false, segment(false, kRst | kAck, 0, 101)), kPasses);
    EXPECT_EQ(judge_segment(run, true, syn), "pass rule web opened") << "it was refused";
}

// RFC 7413: data in a SYN need not be acknowledged with it; more than a first flight of it is none.
TEST(Track, AnswersToASynWithData) {
    TestRun run(kServices);
    EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 100, 0, 400)), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 700, 501 - 16385)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 501, 701)), kPasses);
    EXPECT_EQ(run.half_open(), 1u);
    EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 700, 101)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 101, 701)), kPasses);
    EXPECT_EQ(run.confirmed(), 1u);
}

// One that lies before what is acknowledged closes nothing: the end that sent it goes on.
TEST(Track, AFinThatIsAcknowledgedDoesNotCount) {
    TestRun run(kServices);
    open_at_the_end(run);
    EXPECT_EQ(judge_segment(run, true, segment(true, kPsh | kAck, 0xffffff01, 5001, 100)), kPasses);
    EXPECT_EQ(judge_segment(run, false, segment(false, kAck, 5001, 0xffffff01 + 100)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kFin | kAck, 0xffffff01, 5001)), kPasses);
    EXPECT_EQ(judge_segment(run, false, segment(false, kFin | kAck, 5001, 0xffffff01 + 100)), kPasses);
    EXPECT_EQ(run.confirmed(), 1u);
    EXPECT_EQ(judge_segment(run, true, segment(true, kFin | kAck, 0xffffff01 + 100, 5002)), kPasses);
    EXPECT_EQ(run.confirmed(), 0u);
}

// The VLAN that a rule names is that of the first tag whose id is not 0.
TEST(Vlan, APriorityTagHidesNoVlan) {
    TestRun run(
        std::string("rules:\n- {name: ten, side: external, direction: inbound, protocol: tcp, vlan: 10, "
                    "state: none, action: pass}\n"));
    const auto judge = [&](const auto&... tags) {
        return run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, tags..., Ipv4{}, Tcp{}));
    };
    const Vlan ten{.id = 10}, priority{.id = 0, .priority = 5}, eleven{.id = 11};
    EXPECT_EQ(judge(ten), "pass rule ten");
    EXPECT_EQ(judge(priority, ten), "pass rule ten");
    EXPECT_EQ(judge(ten, eleven), "pass rule ten");
    EXPECT_EQ(judge(eleven, ten), "drop default");
    EXPECT_EQ(judge(priority, eleven), "drop default");
    EXPECT_EQ(judge(priority), "drop default");
    EXPECT_EQ(judge(), "drop default");
}

// Who is in another VLAN is no end of this connection, whatever ends it says.
TEST(Vlan, AConnectionIsOfOne) {
    const std::string rules =
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, "
        "local_port: 53, vlan: 10, action: pass}\n- {name: web, side: external, "
        "direction: inbound, protocol: tcp, local_port: 443, action: pass}\n";
    const Vlan ten{.id = 10}, priority{.id = 0};
    const Bytes there = frame(Ethernet{}, Ipv4{}, Tcp{}), tagged = frame(Ethernet{}, ten, Ipv4{}, Tcp{});
    const auto with = [](std::uint8_t flags) { return Tcp{.flags = flags, .sequence = 2, .acknowledgment = 2}; };
    TestRun run(rules);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, there), "pass rule web opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, tagged), "drop vlan-collision web");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, ten, Ipv4{}, with(kAck))), "drop default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, priority, Ipv4{}, with(kAck))), "pass connection web");
    TestRun apart(
        std::string("rules:\n- {name: web, side: external, direction: inbound, protocol: tcp, local_port: "
                    "443, action: pass}\n"));
    EXPECT_EQ(apart.judge(EDGEFW_RECEIVED, there), "pass rule web opened");
    EXPECT_EQ(apart.judge(EDGEFW_RECEIVED, frame(Ethernet{}, ten, Ipv4{}, with(kAck))), "pass connection web");
}

// What a flood leaves: half-open connections alone, of TCP, UDP and echo, though each is answered.
TEST(Track, AnsweredIsNotConfirmed) {
    TestRun run(kServices);
    EXPECT_EQ(run.judge(kThere + "syn"), "pass rule web opened");
    EXPECT_EQ(run.judge(kBack + "syn,ack"), kPasses);
    const std::string there = "external inbound udp 198.51.100.9:5353 > 192.0.2.20:53";
    const std::string back = "external outbound udp 192.0.2.20:53 > 198.51.100.9:5353";
    EXPECT_EQ(run.judge(there), "pass rule dns opened");
    EXPECT_EQ(run.judge(back), "pass connection dns");
    EXPECT_EQ(run.judge("external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request"), "pass rule ping opened");
    EXPECT_EQ(run.judge("external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply"), "pass connection ping");
    EXPECT_EQ(run.half_open(), 3u);
    EXPECT_EQ(run.confirmed(), 0u);
    run.age(EDGEFW_SETTLED_SECONDS);
    EXPECT_EQ(run.judge(there), "pass connection dns");
    EXPECT_EQ(run.judge("external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request"), "pass connection ping");
    EXPECT_EQ(run.judge(kThere + "ack"), kPasses);
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(run.confirmed(), 3u);
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
