// SPDX-License-Identifier: GPL-2.0-only
// track, the clock: when a connection that nobody uses ends, state by state.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/kernel/services.h"
#include "userspace/kernel/clock.h"

namespace edgefw::test {
namespace {

void sleep_past_a_second() {
    std::this_thread::sleep_for(std::chrono::milliseconds(1300));
}

// One second for the first state of each protocol, much for the others.
TEST(Timeout, FirstStates) {
    TestRun run("timeouts: {tcp-opening: 1, udp-one-way: 1, icmp-echo: 1, other-one-way: 1}" + kServices);
    const std::string udp_there = "external inbound udp 198.51.100.9:5353 > 192.0.2.20:53";
    const std::string udp_back = "external outbound udp 192.0.2.20:53 > 198.51.100.9:5353";
    const std::string quiet_there = "external inbound udp 198.51.100.9:5354 > 192.0.2.20:53";
    const std::string quiet_back = "external outbound udp 192.0.2.20:53 > 198.51.100.9:5354";
    const std::string silent = "external inbound tcp 198.51.100.9:40001 > 192.0.2.20:443";
    const std::string silent_back = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40001 syn,ack";
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
                  {silent, "pass rule web opened"},
                  {udp_there, "pass rule dns opened"},
                  {udp_back, "pass connection dns"},
                  {quiet_there, "pass rule dns opened"},
                  {"external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request", "pass rule ping opened"},
                  {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass rule gre opened"},
              });
    sleep_past_a_second();
    tell(run, {
                  {kBack + "ack", "pass connection web"},
                  {silent_back, "drop default"},
                  {udp_back, "pass connection dns"},
                  {quiet_back, "drop default"},
                  {"external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply", "drop default"},
                  {"external outbound 47 192.0.2.20 > 198.51.100.9", "drop default"},
                  {quiet_there, "pass rule dns opened"},
                  {silent, "pass rule web opened"},
              });
}

// One second for every later state: established, closing (from either end), closed, two-way.
TEST(Timeout, LaterStates) {
    TestRun run(
        "timeouts: {tcp-established: 1, tcp-closing: 1, tcp-closed: 1, udp-query: 1, udp-answered: 1, udp-two-way: 1, "
        "other-two-way: 1}" +
        kServices);
    const auto there = [](int port, const char* flags) {
        return "external inbound tcp 198.51.100.9:" + std::to_string(port) + " > 192.0.2.20:443 " + flags;
    };
    const auto back = [](int port, const char* flags) {
        return "external outbound tcp 192.0.2.20:443 > 198.51.100.9:" + std::to_string(port) + " " + flags;
    };
    for (const int port : {1, 2, 3, 4}) {
        EXPECT_EQ(run.judge(there(port, "syn")), "pass rule web opened");
        EXPECT_EQ(run.judge(back(port, "syn,ack")), "pass connection web");
        EXPECT_EQ(run.judge(there(port, "ack")), "pass connection web");
    }
    tell(run, {
                  {there(2, "fin,ack"), "pass connection web"},
                  {back(3, "fin,ack"), "pass connection web"},
                  {back(4, "rst"), "pass connection web"},
                  {"external inbound udp 198.51.100.9:5353 > 192.0.2.20:53", "pass rule dns opened"},
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5353", "pass connection dns"},
                  {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass rule gre opened"},
                  {"external outbound 47 192.0.2.20 > 198.51.100.9", "pass connection gre"},
                  {there(5, "syn"), "pass rule web opened"},
              });
    sleep_past_a_second();
    for (const int port : {1, 2, 3, 4})
        EXPECT_EQ(run.judge(back(port, "ack")), "drop default") << port;
    tell(run, {
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5353", "drop default"},
                  {"external outbound 47 192.0.2.20 > 198.51.100.9", "drop default"},
                  {back(5, "syn,ack"), "pass connection web"},
              });
}

// A packet in time keeps it: no connection ends while it is used.
TEST(Timeout, TrafficKeepsItAlive) {
    TestRun run("timeouts: {udp-one-way: 1}" + kServices);
    const std::string packet = "external inbound udp 198.51.100.9:5353 > 192.0.2.20:53";
    EXPECT_EQ(run.judge(packet), "pass rule dns opened");
    for (int i = 0; i < 4; i++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        EXPECT_EQ(run.judge(packet), "pass connection dns");
    }
}

// A reset that does not fit drops, and keeps nothing alive.
TEST(Timeout, StrayResetsKeepNoConnection) {
    TestRun run("timeouts: {tcp-established: 2}" + kServices);
    const Bytes stray = frame(Ethernet{}, Ipv4{}, Tcp{.flags = kRst, .sequence = 0x70000000});
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
              });
    for (int i = 0; i < 2; i++) {
        sleep_past_a_second();
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, stray), i == 0 ? "drop tcp-sequence" : "drop default");
    }
    EXPECT_EQ(run.judge(kBack + "ack"), "drop default");
}

// Nothing that has ended comes to life again: 32 bits of the clock come round, and nobody may have evicted it.
TEST(Timeout, WhatHasEndedStaysSo) {
    TestRun run(kServices);
    const std::uint64_t round = (std::uint64_t{1} << 32) / kernel::jiffies_of(1);  // seconds
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
                  {"external inbound udp 198.51.100.9:5353 > 192.0.2.20:53", "pass rule dns opened"},
              });
    run.age(round + 1);
    tell(run, {
                  {kBack + "ack", "drop default"},
                  {"external outbound udp 192.0.2.20:53 > 198.51.100.9:5353", "drop default"},
              });
}

// What another processor noted a moment after this one read the clock is not long ago.
TEST(Timeout, WhatIsAheadOfTheClockIsLive) {
    TestRun run(kServices);
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
              });
    run.age(std::uint64_t{0} - 1);
    EXPECT_EQ(run.judge(kBack + "ack"), "pass connection web");
}

}  // namespace
}  // namespace edgefw::test
