// SPDX-License-Identifier: GPL-2.0-only
// A push that waits to be confirmed: who decides, and what is in force then, with nobody alive but the data path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/active.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

using testing::HasSubstr;

std::string passes(int port) {
    return "rules:\n- {name: to-" + std::to_string(port) +
           ", side: external, direction: inbound, protocol: udp, local_port: " + std::to_string(port) +
           ", action: pass}\n";
}

void attach(const std::string& interface, const std::string& lines = "") {
    kernel::AttachRequest request;
    request.interface = interface;
    if (!lines.empty()) request.policy = compiled(lines);
    const auto card = kernel::attach(request);
    ASSERT_TRUE(card) << card.error().message;
}

Result<kernel::PushReport> push(const std::string& lines, const kernel::Terms& terms,
                                const std::optional<std::string>& interface = {}) {
    return kernel::push(compiled(lines), interface, terms);
}

// Behind the deadline of one second.
void wait_for_the_deadline() {
    usleep(1'100'000);
}

// Which of the ports 1 to 4 a datagram comes through to.
class Passage {
public:
    explicit Passage(Lab& lab, const std::string& card = "eth0")
        : peer_(lab.in_peer([&] { return FrameSocket("peer-" + card); })), host_(card) {}

    std::string ports() {
        std::string passed;
        for (std::uint16_t port = 1; port <= 4; port++) {
            // Of another port each time: no datagram passes by the connection of one before it.
            source_++;
            const Bytes sent =
                frame(Ethernet{}, Ipv4{}, Udp{.source_port = source_, .destination_port = port}, payload(10));
            peer_.send(sent);
            if (host_.receive(std::chrono::milliseconds(60))) passed += std::to_string(port);
        }
        return passed;
    }

private:
    FrameSocket peer_, host_;
    std::uint16_t source_ = 20000;
};

bool fell_back() {
    return kernel::status(false)->standing.fell_back;
}

std::uint32_t generation_of(const std::string& interface) {
    return kernel::counters(interface)->front().card.generation;
}

TEST(Confirm, WithoutItTheDataPathFallsBack) {
    Lab lab;
    attach("eth0", passes(1));
    Passage passage(lab);
    const auto report = push(passes(2), {1, false});
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_TRUE(report->waiting);
    EXPECT_EQ(report->waiting->seconds_left, 1u);
    EXPECT_EQ(passage.ports(), "2");
    EXPECT_EQ(*kernel::ending_of(*report->waiting), kernel::Ending::kWaits);
    wait_for_the_deadline();
    EXPECT_EQ(passage.ports(), "1") << "no process has done anything";
    EXPECT_EQ(*kernel::ending_of(*report->waiting), kernel::Ending::kFellBack);
    EXPECT_TRUE(fell_back());
    EXPECT_EQ(generation_of("eth0"), report->waiting->fallback);
    EXPECT_GT(report->waiting->fallback, report->generation) << "what the push let open is judged again";
    // The next push is one as any other.
    ASSERT_TRUE(push(passes(3), {}));
    EXPECT_EQ(passage.ports(), "3");
    EXPECT_FALSE(fell_back());
}

// With no packet at all nobody has written the word. Who looks is told all the same, and who changes something writes
// it first.
TEST(Confirm, ADeadlineIsOverWithoutAPacket) {
    Lab lab;
    attach("eth0", passes(1));
    const auto report = push(passes(2), {1, false});
    ASSERT_TRUE(report) << report.error().message;
    wait_for_the_deadline();
    EXPECT_TRUE(fell_back());
    EXPECT_FALSE(kernel::status(false)->standing.waiting);
    EXPECT_EQ(generation_of("eth0"), report->waiting->fallback);
    const auto late = kernel::confirm();
    ASSERT_FALSE(late);
    EXPECT_THAT(late.error().message, HasSubstr("the deadline was over"));
    EXPECT_THAT(kernel::confirm().error().message, HasSubstr("was not confirmed in time"));
    EXPECT_EQ(Passage(lab).ports(), "1");
}

TEST(Confirm, KeepsThePolicy) {
    Lab lab;
    attach("eth0", passes(1));
    Passage passage(lab);
    EXPECT_THAT(kernel::confirm().error().message, HasSubstr("no push waits")) << "none has been made";
    const auto report = push(passes(2), {1, false});
    ASSERT_TRUE(report) << report.error().message;
    const auto confirmed = kernel::confirm();
    ASSERT_TRUE(confirmed) << confirmed.error().message;
    EXPECT_EQ(*confirmed, report->generation);
    EXPECT_EQ(*kernel::ending_of(*report->waiting), kernel::Ending::kConfirmed);
    EXPECT_THAT(kernel::confirm().error().message, HasSubstr("no push waits")) << "a second one";
    wait_for_the_deadline();
    EXPECT_EQ(passage.ports(), "2");
    EXPECT_FALSE(fell_back());
}

TEST(Confirm, TakenBackAtOnce) {
    Lab lab;
    attach("eth0", passes(1));
    Passage passage(lab);
    const auto report = push(passes(2), {600, false});
    ASSERT_TRUE(report) << report.error().message;
    const auto back = kernel::fall_back();
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, report->waiting->fallback);
    EXPECT_EQ(passage.ports(), "1");
    EXPECT_FALSE(kernel::fall_back());
}

TEST(Confirm, AnotherPushMeanwhile) {
    Lab lab;
    attach("eth0", passes(1));
    Passage passage(lab);
    const auto first = push(passes(2), {600, false});
    ASSERT_TRUE(first) << first.error().message;
    const auto refused = push(passes(3), {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("waits to be confirmed"));
    EXPECT_EQ(passage.ports(), "2");
    // One that waits in its turn goes back to what was confirmed last.
    const auto second = push(passes(3), {1, true});
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(*kernel::ending_of(*first->waiting), kernel::Ending::kReplaced);
    EXPECT_EQ(passage.ports(), "3");
    wait_for_the_deadline();
    EXPECT_EQ(passage.ports(), "1");
    const auto third = push(passes(2), {600, false});
    ASSERT_TRUE(third) << third.error().message;
    ASSERT_TRUE(push(passes(4), {0, true})) << "for good";
    EXPECT_EQ(passage.ports(), "4");
    EXPECT_FALSE(kernel::status(false)->standing.waiting);
}

TEST(Confirm, WhatFailsLeavesNoTimer) {
    Lab lab;
    attach("eth0", passes(1));
    const auto refused = push("rules:\n- {name: v, side: external, vlan: 7, action: pass}\n", {1, false});
    ASSERT_FALSE(refused);
    EXPECT_FALSE(kernel::status(false)->standing.waiting);
    wait_for_the_deadline();
    EXPECT_FALSE(fell_back());
    EXPECT_EQ(generation_of("eth0"), 1u);
}

// Each card goes back to what it had: one to a policy, one to none.
TEST(Confirm, CardsUnderDifferentPolicies) {
    Lab lab;
    lab.add_card("eth1");
    attach("eth0", passes(1));
    attach("eth1");
    Passage first(lab), second(lab, "eth1");
    const auto report = push(passes(2), {1, false});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(first.ports() + " " + second.ports(), "2 2");
    wait_for_the_deadline();
    EXPECT_EQ(first.ports() + " " + second.ports(), "1 1234");
    EXPECT_EQ(generation_of("eth1"), 0u);
    // A push to one card alone: the other one keeps what it has, whatever becomes of it.
    ASSERT_TRUE(push(passes(3), {}, "eth1"));
    const auto alone = push(passes(4), {1, false}, "eth0");
    ASSERT_TRUE(alone) << alone.error().message;
    EXPECT_EQ(first.ports() + " " + second.ports(), "4 3");
    wait_for_the_deadline();
    EXPECT_EQ(first.ports() + " " + second.ports(), "1 3");
}

TEST(Confirm, ACardComesAndGoesInBetween) {
    Lab lab;
    lab.add_card("eth1");
    lab.add_card("eth2");
    attach("eth0", passes(1));
    attach("eth2", passes(1));
    ASSERT_TRUE(push(passes(1), {}));
    ASSERT_TRUE(push(passes(2), {3, false}));
    attach("eth1", passes(3));
    ASSERT_TRUE(kernel::detach("eth2"));
    Passage first(lab), newcomer(lab, "eth1");
    EXPECT_EQ(first.ports() + " " + newcomer.ports(), "2 3");
    ASSERT_TRUE(kernel::status(false)->standing.waiting);
    for (int i = 0; i < 100 && !fell_back(); i++)
        usleep(50'000);
    EXPECT_EQ(first.ports() + " " + newcomer.ports(), "1 3");
    ASSERT_TRUE(push(passes(4), {}));
    EXPECT_EQ(first.ports() + " " + newcomer.ports(), "4 4");
}

// The tables stay those of the push that was taken back, and the connections in them go on.
TEST(Confirm, TablesOfAnotherSize) {
    Lab lab;
    attach("eth0", passes(1));
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    FrameSocket host("eth0");
    const Bytes datagram = frame(Ethernet{}, Ipv4{}, Udp{.source_port = 999, .destination_port = 1}, payload(10));
    peer.send(datagram);
    ASSERT_TRUE(host.receive());
    ASSERT_TRUE(push("connections: {confirmed: 512, half_open: 64}\n" + passes(2), {1, false}));
    peer.send(datagram);
    EXPECT_FALSE(host.receive(std::chrono::milliseconds(100))) << "revoked";
    wait_for_the_deadline();
    peer.send(datagram);
    EXPECT_TRUE(host.receive());
    const auto now = kernel::connections({});
    ASSERT_EQ(now->size(), 1u);
    EXPECT_EQ(now->front().rule, "to-1");
    EXPECT_FALSE(now->front().revoked);
    const auto counted = kernel::counters({})->front();
    EXPECT_EQ(counted.at(counted.listing->slots().at("to-1")).connections, 1u) << "it was not opened again";
    // Behind it a push makes them what it says.
    ASSERT_TRUE(push(passes(1), {}));
    peer.send(datagram);
    EXPECT_TRUE(host.receive());
}

// What the withdrawn policy let open ends, what it revoked goes on, and a kill is for good.
TEST(Confirm, ConnectionsOfBothPolicies) {
    Lab lab;
    attach("eth0", passes(1));
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    FrameSocket host("eth0");
    const auto reply = [&](std::uint16_t port) {
        host.send(frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                        Udp{.source_port = port, .destination_port = 999}, payload(10)));
        return peer.receive(std::chrono::milliseconds(100)).has_value();
    };
    const auto arrives = [&](std::uint16_t port) {
        peer.send(frame(Ethernet{}, Ipv4{}, Udp{.source_port = 999, .destination_port = port}, payload(10)));
        return host.receive(std::chrono::milliseconds(100)).has_value();
    };
    ASSERT_TRUE(arrives(1));
    ASSERT_TRUE(reply(1));
    ASSERT_TRUE(push(passes(2), {600, false}));
    ASSERT_TRUE(arrives(2));
    EXPECT_FALSE(reply(1));
    EXPECT_FALSE(reply(1));
    const auto all = kernel::connections({});
    ASSERT_TRUE(all) << all.error().message;
    for (const kernel::Connection& connection : *all)
        EXPECT_EQ(connection.revoked, connection.local_port == 1) << connection.local_port;
    ASSERT_TRUE(kernel::fall_back());
    EXPECT_TRUE(reply(1)) << "it goes on";
    EXPECT_FALSE(reply(2));
    ASSERT_TRUE(push(passes(2), {600, false}));
    EXPECT_FALSE(reply(1));
    const auto ended =
        kernel::end_connections([](const kernel::Connection& connection) { return connection.local_port == 1; });
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(*ended, 1u);
    ASSERT_TRUE(kernel::fall_back());
    EXPECT_FALSE(reply(1)) << "it was ended by hand";
}

// The operator confirms in the moment in which the deadline is over, and packets come on another processor: one of them
// decides, and all packets behind are judged by what it decided.
TEST(Confirm, OneDecides) {
    Lab lab;
    attach("eth0", passes(1));
    Passage passage(lab);
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; round++) {
        const auto report = push(passes(2), {1, false});
        ASSERT_TRUE(report) << report.error().message;
        usleep(940'000 + static_cast<useconds_t>(round) * 20'000);
        Result<std::uint32_t> one = failed(""), other = failed("");
        std::thread first([&] { one = kernel::confirm(); }), second([&] { other = kernel::confirm(); });
        const std::string at_that_moment = passage.ports();
        first.join();
        second.join();
        EXPECT_FALSE(one && other) << "two confirmations";
        const bool kept = one || other;
        EXPECT_EQ(passage.ports(), kept ? "2" : "1");
        EXPECT_EQ(fell_back(), !kept);
        ASSERT_TRUE(push(passes(1), {}));
    }
}

}  // namespace
}  // namespace edgefw::test
