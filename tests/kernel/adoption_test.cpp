// SPDX-License-Identifier: GPL-2.0-only
// What runs before the first policy: learned while everything passes, adopted for a while after.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/kernel/services.h"
#include "tests/support/lab.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

constexpr const char* kNoPolicy = "pass no-policy";
constexpr const char* kPasses = "pass connection web";

// A segment of the one connection, from the remote end (there) or back.
std::string judge_segment(TestRun& run, bool there, std::uint8_t flags, std::uint32_t sequence,
                          std::uint32_t acknowledgment, std::size_t size = 0) {
    Ipv4 ip;
    Tcp tcp{.flags = flags, .sequence = sequence, .acknowledgment = acknowledgment};
    if (!there) {
        std::swap(ip.source, ip.destination);
        std::swap(tcp.source_port, tcp.destination_port);
    }
    return run.judge(there ? EDGEFW_RECEIVED : EDGEFW_SENT, frame(Ethernet{}, ip, tcp, payload(size)));
}

void learn(TestRun& run, const std::vector<std::string>& packets) {
    for (const std::string& packet : packets)
        EXPECT_EQ(run.judge(packet), kNoPolicy) << packet;
}

// Everything of a minute from now: no test waits for the end of it.
void adopt_for_a_minute(TestRun& run) {
    run.adopt_until(kernel::uptime() + 60);
}

TEST(Adoption, WhatIsLearnedIsJudgedByTheFirstPolicy) {
    const std::string udp_there = "external inbound udp 198.51.100.9:5000 > 192.0.2.20:53";
    const std::string udp_back = "external outbound udp 192.0.2.20:53 > 198.51.100.9:5000";
    const std::string ping = "external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request";
    const std::string pong = "external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply";
    const std::string gre = "external inbound 47 198.51.100.9 > 192.0.2.20";
    const std::string gre_back = "external outbound 47 192.0.2.20 > 198.51.100.9";
    const struct {
        const char* name;
        std::vector<std::string> learned;
        std::string then;
        const char* expected;
    } rows[] = {
        {"a handshake", {kThere + "syn", kBack + "syn,ack", kThere + "ack"}, kBack + "ack", kPasses},
        {"a SYN alone", {kThere + "syn"}, kBack + "syn,ack", kPasses},
        {"in mid-stream, from the opener", {kThere + "ack", kBack + "ack"}, kThere + "psh,ack", kPasses},
        {"in mid-stream, from the other end", {kBack + "ack", kThere + "ack"}, kThere + "psh,ack", kPasses},
        {"of one end alone", {kBack + "ack"}, kBack + "ack", kPasses},
        {"the end of one", {kBack + "fin,ack"}, kThere + "ack", kPasses},
        {"a SYN from the wrong end",
         {"external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 syn"},
         kThere + "ack",
         "drop revoked"},
        {"a reset", {kBack + "rst,ack"}, kBack + "ack", "drop default"},
        {"a reset without a number", {kThere + "rst"}, kThere + "ack", "drop default"},
        {"half an answer", {kBack + "syn,ack"}, kBack + "ack", "drop default"},
        {"no flags", {kThere + "none", kThere + "fin"}, kThere + "ack", "drop default"},
        {"to no service",
         {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:22 ack"},
         "external inbound tcp 198.51.100.9:1 > 192.0.2.20:22 ack",
         "drop revoked"},
        {"UDP", {udp_there}, udp_back, "pass connection dns"},
        {"UDP, a reply first", {udp_back}, udp_there, "pass rule dns opened"},
        {"UDP, a reply first, and both", {udp_back, udp_there}, udp_there, "pass rule dns opened"},
        {"UDP, replies alone", {udp_back, udp_back}, udp_back, "drop revoked"},
        {"UDP to no service",
         {"external inbound udp 198.51.100.9:5000 > 192.0.2.20:54"},
         "external inbound udp 198.51.100.9:5000 > 192.0.2.20:54",
         "drop revoked"},
        {"UDP to no service, and its answer",
         {"external inbound udp 198.51.100.9:5000 > 192.0.2.20:54"},
         "external outbound udp 192.0.2.20:54 > 198.51.100.9:5000",
         "drop default"},
        {"an echo", {ping}, pong, "pass connection ping"},
        {"a reply to no echo", {pong}, pong, "drop default"},
        {"another protocol", {gre}, gre_back, "pass connection gre"},
        {"another protocol, a reply first", {gre_back}, gre_back, "drop revoked"},
        {"another protocol, a reply first, and then the opener", {gre_back}, gre, "pass rule gre opened"},
    };
    TestRun probe(kServices);  // that the rows say something: without having learned, the reply drops
    EXPECT_EQ(probe.judge(udp_back), "drop default");
    for (const auto& row : rows) {
        TestRun run;
        learn(run, row.learned);
        run.push(kServices);
        EXPECT_EQ(run.judge(row.then), row.expected) << row.name;
    }
}

// Once it is known which end opened, it stays: the next policy judges that one alone.
TEST(Adoption, AReplySeenFirstIsTurnedOnce) {
    const std::string reply = kBack + "ack";
    TestRun run;
    learn(run, {reply, kThere + "ack"});
    run.push(kServices);
    EXPECT_EQ(run.judge(reply), kPasses);
    run.push(kServices);
    EXPECT_EQ(run.judge(reply), kPasses);
    run.push(std::string("rules:\n- {name: out, side: external, direction: outbound, protocol: udp, action: pass}\n"));
    EXPECT_EQ(run.judge(reply), "drop revoked");
}

TEST(Adoption, LearnsNoFragmentsAndNothingThatABuiltinPasses) {
    TestRun run;
    const char* const asks = "external outbound udp 0.0.0.0:68 > 255.255.255.255:67";
    learn(run, {asks, kThere + "ack"});
    EXPECT_EQ(
        run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.more = true}, Udp{.destination_port = 53}, payload(64))),
        kNoPolicy);
    EXPECT_EQ(run.half_open() + run.confirmed(), 1u);
    run.push(kServices);
    EXPECT_EQ(run.judge(asks), "pass builtin builtin/dhcp");
}

// A full table changes no verdict.
TEST(Adoption, LearningPassesEverythingWhateverTheTablesHold) {
    TestRun run({.connections = 16});
    for (int port = 1; port <= 200; port++)
        EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:" + std::to_string(port) + " > 192.0.2.20:53"),
                  kNoPolicy);
    EXPECT_EQ(run.reason(EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_NO_POLICY).packets, 200u);
}

TEST(Adoption, AfterTheFirstPush) {
    const std::string outbound = "external outbound tcp 192.0.2.20:50000 > 198.51.100.9:25 ";
    const std::string policy = kServices + "- {name: mail, side: external, direction: outbound, protocol: tcp, " +
                               "remote_port: 25, action: pass}\n" +
                               "- {name: apart, side: external, direction: inbound, protocol: tcp, local_port: 80, " +
                               "state: none, action: pass}\n";
    const struct {
        const char* name;
        std::string packet;
        const char* expected;
        const char* before;  // and where the time is over, or has never begun
    } rows[] = {
        {"from the opener", kThere + "ack", "pass rule web opened", "drop default"},
        {"from the other end", kBack + "psh,ack", "pass rule web", "drop default"},
        {"opened from here, from the opener", outbound + "ack", "pass rule mail opened", "drop default"},
        {"its end", kThere + "fin,ack", "pass rule web opened", "drop default"},
        {"a SYN", kThere + "syn", "pass rule web opened", "pass rule web opened"},
        {"a SYN of the other end", kBack + "syn,ack", "drop default", "drop default"},
        {"a reset", kThere + "rst", "drop default", "drop default"},
        {"a reset that acknowledges", kBack + "rst,ack", "drop default", "drop default"},
        {"FIN alone", kThere + "fin", "drop default", "drop default"},
        {"no flags", kThere + "none", "drop default", "drop default"},
        {"to no service", "external inbound tcp 198.51.100.9:1 > 192.0.2.20:22 ack", "drop default", "drop default"},
        {"where no state is kept", "external inbound tcp 198.51.100.9:1 > 192.0.2.20:80 ack", "pass rule apart",
         "pass rule apart"},
        {"UDP", "external outbound udp 192.0.2.20:53 > 198.51.100.9:5000", "drop default", "drop default"},
    };
    for (const auto& row : rows) {
        TestRun run(policy);
        EXPECT_EQ(run.judge(row.packet), row.before) << row.name;
        run.forget();
        run.adopt_until(kernel::uptime());
        EXPECT_EQ(run.judge(row.packet), row.before) << row.name << ", the time is over";
        run.forget();
        adopt_for_a_minute(run);
        EXPECT_EQ(run.judge(row.packet), row.expected) << row.name;
    }
}

TEST(Adoption, ByTheDefaultOverIpv6) {
    TestRun run(std::string("default: {external: {outbound: pass}}"));
    const std::string reply = "external inbound tcp [2001:db8:9::9]:443 > [2001:db8::2]:50000 ack";
    EXPECT_EQ(run.judge(reply), "drop default");
    adopt_for_a_minute(run);
    EXPECT_EQ(run.judge(reply), "pass default");
    EXPECT_EQ(run.judge(reply), "pass connection");
    EXPECT_EQ(run.half_open(), 1u);
}

// A flood of forged segments stays half open: a second segment of one end confirms nothing, nor does the reset by which
// the other end answers it, which closes.
TEST(Adoption, ConfirmedByASegmentOfEachEnd) {
    TestRun run(kServices);
    adopt_for_a_minute(run);
    EXPECT_EQ(judge_segment(run, true, kAck, 1000, 7000), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, true, kAck, 1000, 7000), kPasses);
    EXPECT_EQ(run.half_open(), 1u);
    EXPECT_EQ(judge_segment(run, false, kRst, 7001, 0), kPasses) << "a reset of no segment seen: to be judged by hosts";
    EXPECT_EQ(judge_segment(run, true, kSyn, 1, 0), "pass rule web") << "it is still open: nothing is opened";
    EXPECT_EQ(judge_segment(run, false, kRst, 7000, 0), kPasses);
    EXPECT_EQ(run.confirmed(), 0u);
    EXPECT_EQ(judge_segment(run, true, kSyn, 1, 0), "pass rule web opened") << "it was closed";

    run.forget();
    EXPECT_EQ(judge_segment(run, true, kAck, 1000, 7000), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, false, kAck, 7000, 1000), kPasses);
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(run.confirmed(), 1u);
}

// What the rules let only the other end open: a packet never proves an opening from there.
constexpr const char* kWayOut =
    "rules:\n- {name: out, side: external, direction: outbound, protocol: tcp, remote_port: 443, action: pass}\n"
    "- {name: ask, side: external, direction: outbound, protocol: udp, remote_port: 53, action: pass}\n";

// A segment of a connection from 192.0.2.20:22 to 198.51.100.9:443, `in` or out, that somebody may have forged.
std::string judge_forged(TestRun& run, bool in, std::uint8_t flags, std::uint32_t sequence,
                         std::uint32_t acknowledgment, std::size_t size = 0) {
    Ipv4 ip{.source = "198.51.100.9", .destination = "192.0.2.20"};
    Tcp tcp{.source_port = 443,
            .destination_port = 22,
            .flags = flags,
            .sequence = sequence,
            .acknowledgment = acknowledgment};
    if (!in) {
        std::swap(ip.source, ip.destination);
        std::swap(tcp.source_port, tcp.destination_port);
    }
    return run.judge(in ? EDGEFW_RECEIVED : EDGEFW_SENT, frame(Ethernet{}, ip, tcp, payload(size)));
}

constexpr const char* kWithOut = "pass connection out";

// Adopted after the first push, or learned before it: twice, so that it is known already.
void forge(TestRun& run, bool learned) {
    if (learned) {
        EXPECT_EQ(judge_forged(run, true, kAck, 1000, 7000), kNoPolicy);
    }
    run.push("timeouts: {tcp-unproven: 1}\n" + std::string(kWayOut));
    if (!learned) adopt_for_a_minute(run);
    EXPECT_EQ(judge_forged(run, true, kAck, 1000, 7000), learned ? kWithOut : "pass rule out");
}

TEST(Unproven, OpensNothing) {
    for (const bool learned : {false, true}) {
        TestRun run;
        forge(run, learned);
        EXPECT_EQ(judge_forged(run, true, kSyn, 1, 0), "drop default");
        EXPECT_EQ(judge_forged(run, true, kSyn | kAck, 1, 7000), "drop default");
        EXPECT_EQ(judge_forged(run, true, kFin, 1000, 0), "drop default");
        EXPECT_EQ(judge_forged(run, true, kAck, 1000, 7000, 100), kWithOut);
        EXPECT_EQ(run.confirmed(), 0u);
        EXPECT_EQ(judge_forged(run, false, kSyn, 1, 0), "pass rule out opened") << "it takes no place from a real one";
        EXPECT_EQ(judge_forged(run, true, kSyn | kAck, 1, 2), kWithOut);
    }
}

TEST(Unproven, IsNotRenewed) {
    TestRun run;
    forge(run, true);
    for (int i = 0; i < 4; i++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(350));
        judge_forged(run, true, kAck, 1000, 7000);
    }
    EXPECT_EQ(judge_forged(run, true, kAck, 1000, 7000), "drop default");
}

TEST(Unproven, EndsWithAReset) {
    for (const bool by_host : {false, true}) {
        TestRun run;
        forge(run, true);
        EXPECT_EQ(judge_forged(run, !by_host, kRst, 1, 0), kWithOut);
        EXPECT_EQ(run.half_open(), 0u);
        EXPECT_EQ(judge_forged(run, true, kAck, 1000, 7000), "drop default");
    }
}

TEST(Unproven, IsProvenByASegmentThatAnswers) {
    constexpr std::uint32_t kMegabyte = 1 << 20;
    const struct {
        std::uint32_t sequence, acknowledgment;
        bool answers;
    } rows[] = {
        {7000, 1000, true},
        {7000 - kMegabyte, 1000 - kMegabyte, true},
        {7000 + kMegabyte, 1000, true},
        {7000 - kMegabyte - 1, 1000, false},
        {7000 + kMegabyte + 1, 1000, false},
        {7000, 1001, false},
        {7000, 1000 - kMegabyte - 1, false},
    };
    for (const bool learned : {false, true}) {
        for (const auto& row : rows) {
            TestRun run;
            forge(run, learned);
            EXPECT_EQ(judge_forged(run, false, kAck, row.sequence, row.acknowledgment), kWithOut);
            EXPECT_EQ(run.confirmed(), row.answers ? 1u : 0u) << row.sequence << " " << row.acknowledgment;
            if (row.answers) continue;
            // It took the forged one's place: what answers it confirms, and what was forged does not.
            EXPECT_EQ(judge_forged(run, true, kAck, 1000 + 3 * kMegabyte, 7000), kWithOut);
            EXPECT_EQ(run.confirmed(), 0u);
            EXPECT_EQ(judge_forged(run, false, kAck, row.sequence, row.acknowledgment), kWithOut);
            EXPECT_EQ(judge_forged(run, true, kAck, row.acknowledgment, row.sequence), kWithOut);
            EXPECT_EQ(run.confirmed(), 1u) << row.sequence << " " << row.acknowledgment;
        }
    }
}

// A SYN that the rules pass goes beside a connection that began in mid-stream, and leaves it as it is.
TEST(Unproven, ASynPassesBesideWhatIsProven) {
    TestRun run;
    forge(run, true);
    EXPECT_EQ(judge_forged(run, false, kAck, 7000, 1000), kWithOut);
    EXPECT_EQ(judge_forged(run, false, kSyn, 99, 0), "pass rule out");
    EXPECT_EQ(judge_forged(run, true, kSyn, 99, 0), "drop default");
    EXPECT_EQ(run.confirmed(), 1u);
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(judge_forged(run, true, kSyn | kAck, 1, 100), kWithOut) << "the answer passes: hosts know better";
}

TEST(Unproven, UdpIsNeverTurnedRound) {
    const std::string in = "external inbound udp 198.51.100.9:53 > 192.0.2.20:161";
    const std::string out = "external outbound udp 192.0.2.20:161 > 198.51.100.9:53";
    TestRun run;
    learn(run, {in});
    run.push(std::string(kWayOut));
    EXPECT_EQ(run.judge(in), "drop revoked");
    EXPECT_EQ(run.judge(in), "drop default");
    EXPECT_EQ(run.judge(out), "pass rule ask opened");
    EXPECT_EQ(run.judge(in), "pass connection ask");
}

// Windows may have been scaled by anything: what is sent far ahead moves no numbers until it is acknowledged, and a
// reset there passes.
TEST(Adoption, NumbersFollowTheAcknowledgments) {
    constexpr std::uint32_t kStep = 1000000;  // within what is believed
    for (const bool adopted : {false, true}) {
        TestRun run;
        if (adopted) {
            run.push(kServices);
            adopt_for_a_minute(run);
            EXPECT_EQ(judge_segment(run, true, kAck, 1000, 7000, 10), "pass rule web opened");
        } else {
            EXPECT_EQ(judge_segment(run, true, kAck, 1000, 7000, 10), kNoPolicy);
            run.push(kServices);
        }
        EXPECT_EQ(judge_segment(run, false, kAck, 7000, 1010), kPasses);
        EXPECT_EQ(run.confirmed(), 1u);
        for (std::uint32_t sent = 0; sent < 4 * kStep; sent += kStep) {
            EXPECT_EQ(judge_segment(run, true, kAck, 4 * kStep, 7000, 100), kPasses);
            EXPECT_EQ(judge_segment(run, false, kAck, 7000, 1010 + sent + kStep), kPasses);
        }
        EXPECT_EQ(judge_segment(run, true, kRst, 1009, 0), "drop tcp-sequence") << "acknowledged already";
        EXPECT_EQ(judge_segment(run, true, kRst, 100 * kStep, 0), kPasses) << "windows may be as wide";
        EXPECT_EQ(judge_segment(run, false, kRst, 7001, 0), kPasses);
        EXPECT_EQ(run.confirmed(), 1u);
        EXPECT_EQ(judge_segment(run, true, kRst, 1010 + 4 * kStep, 0), kPasses);
        EXPECT_EQ(judge_segment(run, true, kSyn, 1, 0), "pass rule web opened") << "it was closed";
    }
}

// A connection that was adopted is judged again by later policies as what it was adopted for.
TEST(Adoption, LaterPolicies) {
    TestRun run(kServices);
    adopt_for_a_minute(run);
    EXPECT_EQ(run.judge(kBack + "ack"), "pass rule web");
    run.push(kServices);
    EXPECT_EQ(run.judge(kBack + "ack"), kPasses);
    run.push(std::string("rules:\n- {name: out, side: external, direction: outbound, protocol: tcp, action: pass}\n"));
    EXPECT_EQ(run.judge(kBack + "ack"), "drop revoked");
}

// Through a forward nothing can have been open before there was one.
TEST(Adoption, NothingThatIsTranslated) {
    TestRun run(
        std::string(
            "nat:\n- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: "
            "10.0.0.5, to_port: 443}\n") +
        kServices);
    adopt_for_a_minute(run);
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:1 > 203.0.113.7:9555 ack"), "drop default via map");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:1 > 10.0.0.5:443 ack"), "pass rule web opened");
}

// The time begins with the first push of a card that was attached without a policy, and no later push moves its end.
TEST(Adoption, OnlyAfterAnAttachWithoutAPolicy) {
    const auto attach = [](bool with_policy) {
        kernel::AttachRequest request;
        request.interface = "eth0";
        if (with_policy) request.policy = compiled(kServices);
        const auto card = kernel::attach(request);
        ASSERT_TRUE(card) << card.error().message;
        EXPECT_EQ(card->adopts, 0u);
    };
    const auto push = [](const std::string& lines) {
        const auto report = kernel::push(compiled(lines), {});
        EXPECT_TRUE(report) << report.error().message;
        return report ? report->cards.front().adopts : 0;
    };
    {
        Lab lab;
        attach(false);
        const std::uint32_t first = push("adopt: 1000\n" + kServices);
        EXPECT_GT(first, 900u);
        EXPECT_LE(first, 1000u);
        const std::uint32_t second = push("adopt: 5000\n" + kServices);
        EXPECT_GT(second, 800u);
        EXPECT_LE(second, first);
        EXPECT_EQ(push("adopt: 0\n" + kServices), 0u);
        EXPECT_EQ(push("adopt: 1000\n" + kServices), 0u) << "what was switched off stays off";
    }
    Lab lab;
    attach(true);
    EXPECT_EQ(push("adopt: 1000\n" + kServices), 0u);
}

}  // namespace
}  // namespace edgefw::test
