// SPDX-License-Identifier: GPL-2.0-only
// The tables of connections: who makes room for whom, and when a connection moves from one to another.
#include <gtest/gtest.h>

#include "tests/kernel/one_processor.h"
#include "tests/kernel/services.h"

namespace edgefw::test {
namespace {

std::string udp(bool there, int port, int service = 53) {
    const std::string client = "198.51.100.9:" + std::to_string(port), server = "192.0.2.20:" + std::to_string(service);
    return there ? "external inbound udp " + client + " > " + server
                 : "external outbound udp " + server + " > " + client;
}

std::string tcp(bool there, int port, const char* flags) {
    const std::string client = "198.51.100.9:" + std::to_string(port), server = "192.0.2.20:443 ";
    return there ? "external inbound tcp " + client + " > " + server + flags
                 : "external outbound tcp 192.0.2.20:443 > " + client + " " + flags;
}

Bytes echo(bool there, std::uint16_t id) {
    Ipv4 ip;
    if (!there) std::swap(ip.source, ip.destination);
    return frame(Ethernet{}, ip, Icmp{.type = static_cast<std::uint8_t>(there ? 8 : 0), .id = id}, payload(8));
}

// Others open all the while and are answered, as on a busy day: whoever has waited for its answer for no longer than
// the time of a few of them still has its connection. The table is full all the time.
TEST(Tables, WhoWaitsForAnAnswerIsNotPushedOutByTheAnswered) {
    constexpr int kWaiting = 100, kOpened = 4000, kFirst = 1000;
    const OneProcessor here;
    TestRun run(TestRun::Options{.connections = 2048});
    run.push(kServices);
    int lost_questions = 0, lost_handshakes = 0;
    for (int port = kFirst; port < kFirst + kOpened; port++) {
        run.judge(udp(true, port));
        run.judge(tcp(true, port, "syn"));
        if (port < kFirst + kWaiting) continue;
        const int answered = port - kWaiting;
        if (run.judge(udp(false, answered)) != "pass connection dns") lost_questions++;
        if (run.judge(tcp(false, answered, "syn,ack")) != "pass connection web") lost_handshakes++;
        run.judge(udp(true, answered));
    }
    EXPECT_EQ(lost_questions, 0);
    EXPECT_EQ(lost_handshakes, 0);
}

// A closed connection is half open again and makes room, but not before the acknowledgment of its last FIN has come.
TEST(Tables, TheLastSegmentOfAClosedOnePasses) {
    constexpr int kWaiting = 250, kOpened = 4000, kFirst = 1000;
    const auto judge = [](TestRun& run, int port, bool there, std::uint8_t flags, std::uint32_t sequence,
                          std::uint32_t acknowledgment) {
        Ipv4 ip;
        Tcp tcp{.source_port = static_cast<std::uint16_t>(port),
                .flags = flags,
                .sequence = sequence,
                .acknowledgment = acknowledgment};
        if (!there) {
            std::swap(ip.source, ip.destination);
            std::swap(tcp.source_port, tcp.destination_port);
        }
        return run.judge(there ? EDGEFW_RECEIVED : EDGEFW_SENT, frame(Ethernet{}, ip, tcp));
    };
    const OneProcessor here;
    TestRun run(TestRun::Options{.connections = 2048});
    run.push(kServices);
    int lost = 0;
    for (int port = kFirst; port < kFirst + kOpened; port++) {
        judge(run, port, true, kSyn, 1000, 0);
        judge(run, port, false, kSyn | kAck, 5000, 1001);
        judge(run, port, true, kAck, 1001, 5001);
        judge(run, port, true, kFin | kAck, 1001, 5001);
        judge(run, port, false, kFin | kAck, 5001, 1002);
        if (port < kFirst + kWaiting) continue;
        if (judge(run, port - kWaiting, true, kAck, 1002, 5002) != "pass connection web") lost++;
    }
    EXPECT_EQ(lost, 0);
}

// What a sender of forged sources gets where the host replies: pairs of datagrams and of echo requests, at once and
// again after the time that confirms them; and half-open TCP. None of it costs a completed handshake its place.
TEST(Tables, NothingButAHandshakePushesOutTcp) {
    constexpr int kHeld = 8, kForged = 400;
    TestRun run(TestRun::Options{.connections = 64});
    run.push(kServices);
    for (int port = 1; port <= kHeld; port++) {
        EXPECT_EQ(run.judge(tcp(true, port, "syn")), "pass rule web opened");
        EXPECT_EQ(run.judge(tcp(false, port, "syn,ack")), "pass connection web");
        EXPECT_EQ(run.judge(tcp(true, port, "ack")), "pass connection web");
    }
    for (int port = 1000; port < 1000 + kForged; port++) {
        const auto id = static_cast<std::uint16_t>(port);
        run.judge(udp(true, port));
        run.judge(udp(false, port));
        run.judge(udp(true, port));
        run.judge(EDGEFW_RECEIVED, echo(true, id));
        run.judge(EDGEFW_SENT, echo(false, id));
        run.judge(EDGEFW_RECEIVED, echo(true, id));
        run.judge(tcp(true, port, "syn"));
        run.judge(tcp(false, port, "syn,ack"));
        if (port % 16 != 0) continue;
        run.age(3);
        for (int again = port - 15; again <= port; again++) {
            run.judge(udp(true, again));
            run.judge(EDGEFW_RECEIVED, echo(true, static_cast<std::uint16_t>(again)));
        }
    }
    EXPECT_GT(run.turnover(EDGEFW_TABLE_DATAGRAMS).inserted, 128u) << "more than twice the table was confirmed";
    EXPECT_EQ(run.turnover(EDGEFW_TABLE_CONNECTIONS).inserted, static_cast<std::uint64_t>(kHeld));
    for (int port = 1; port <= kHeld; port++)
        EXPECT_EQ(run.judge(tcp(false, port, "ack")), "pass connection web") << port;
}

// (sent by the opener at once, sent after a while) x (answered before): confirmed by both alone.
TEST(Tables, WhatIsNotTcpIsConfirmedByGoingOn) {
    const struct {
        bool answered, settled, confirmed;
    } rows[] = {{false, false, false}, {false, true, false}, {true, false, false}, {true, true, true}};
    for (const auto& row : rows) {
        TestRun run(kServices);
        const std::string gre = "external inbound 47 198.51.100.9 > 192.0.2.20";
        EXPECT_EQ(run.judge(udp(true, 5000)), "pass rule dns opened");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 7)), "pass rule ping opened");
        EXPECT_EQ(run.judge(gre), "pass rule gre opened");
        if (row.answered) {
            EXPECT_EQ(run.judge(udp(false, 5000)), "pass connection dns");
            EXPECT_EQ(run.judge(EDGEFW_SENT, echo(false, 7)), "pass connection ping");
            EXPECT_EQ(run.judge("external outbound 47 192.0.2.20 > 198.51.100.9"), "pass connection gre");
        }
        run.age(row.settled ? 2 : 1);
        EXPECT_EQ(run.judge(udp(true, 5000)), "pass connection dns");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, echo(true, 7)), "pass connection ping");
        EXPECT_EQ(run.judge(gre), "pass connection gre");
        EXPECT_EQ(run.confirmed(), row.confirmed ? 3u : 0u) << row.answered << row.settled;
    }
}

// One question and one answer: the public port that it held is free after half a minute, or two where the port that
// answers is no service's; what goes on has five.
TEST(Tables, AnAnsweredQuestionHasATimeoutOfItsOwn) {
    const char* const kAsks =
        "rules:\n- {name: ask, side: external, direction: outbound, protocol: udp, action: pass}\n";
    const struct {
        int service;
        bool goes_on;
        std::uint32_t lives, ends;
    } rows[] = {{53, false, 29, 32}, {1023, false, 29, 32}, {1024, false, 118, 122}, {53, true, 298, 302}};
    for (const auto& row : rows) {
        for (const std::uint32_t quiet : {row.lives, row.ends}) {
            TestRun run(kAsks);
            const std::string service = "198.51.100.9:" + std::to_string(row.service);
            const std::string question = "external outbound udp 192.0.2.20:5000 > " + service;
            const std::string answer = "external inbound udp " + service + " > 192.0.2.20:5000";
            EXPECT_EQ(run.judge(question), "pass rule ask opened");
            EXPECT_EQ(run.judge(answer), "pass connection ask");
            if (row.goes_on) {
                run.age(2);
                EXPECT_EQ(run.judge(question), "pass connection ask");
            }
            run.age(quiet);
            EXPECT_EQ(run.judge(answer), quiet == row.lives ? "pass connection ask" : "drop default")
                << row.service << " " << quiet;
        }
    }
}

}  // namespace
}  // namespace edgefw::test
