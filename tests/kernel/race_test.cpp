// SPDX-License-Identifier: GPL-2.0-only
// Two processors at once: what two packets of one connection, or two openers of one public end, make of the tables
// when they are judged in the same moment.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <tuple>

#include "tests/kernel/services.h"

namespace edgefw::test {
namespace {

constexpr int kRounds = 3000;

void run_once(int program, const Bytes& frame) {
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()),
                .repeat = 1);
    bpf_prog_test_run_opts(program, &run);
}

std::vector<int> processors() {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    sched_getaffinity(0, sizeof(mine), &mine);
    std::vector<int> all;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &mine)) all.push_back(cpu);
    }
    return all;
}

// A packet for each of two processors, in each round.
using Frames = std::function<Bytes(int round, int processor)>;

// Both are judged in the same moment, as well as two threads can meet; `before` runs ahead of each round.
void race(int program, const Frames& frames, const std::function<void(int round)>& before) {
    const std::vector<int> all = processors();
    ASSERT_GE(all.size(), 2u) << "this takes two processors";
    std::array<std::atomic<int>, 2> ready = {-1, -1}, done = {-1, -1};
    std::atomic<int> go = -1;
    const auto judge = [&](int which) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(all[static_cast<std::size_t>(which)]), &one);
        pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
        // Before all else that runs there, where that is allowed: no packet of a card is stopped in the middle either,
        // by a build beside it for longer than a public end is reserved.
        const sched_param lowest{.sched_priority = 1};
        pthread_setschedparam(pthread_self(), SCHED_RR, &lowest);
        for (int round = 0; round < kRounds; round++) {
            const Bytes frame = frames(round, which);
            if (which == 0) {
                if (before) before(round);
                while (ready[1] < round)
                    std::this_thread::yield();
                go = round;
            } else {
                ready[1] = round;
                while (go < round) {
                }
            }
            // One of them comes a little later, by another step in each round: what the other one does is met at each
            // point.
            if (which == round % 2) {
                for (volatile int step = 0; step < round / 2 % 200 * 8; step = step + 1) {
                }
            }
            run_once(program, frame);
            done[static_cast<std::size_t>(which)] = round;
            while (done[static_cast<std::size_t>(1 - which)] < round)
                std::this_thread::yield();
        }
    };
    std::thread other(judge, 1);
    std::thread one(judge, 0);
    other.join();
    one.join();
}

Bytes tcp(bool there, int port, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment) {
    Ipv4 ip;
    Tcp tcp{.flags = flags, .sequence = sequence, .acknowledgment = acknowledgment};
    tcp.source_port = static_cast<std::uint16_t>(port);
    if (!there) {
        std::swap(ip.source, ip.destination);
        std::swap(tcp.source_port, tcp.destination_port);
    }
    return frame(Ethernet{}, ip, tcp);
}

// Two segments of the opener that acknowledge the answer: either confirms, and none ends what the other confirmed.
TEST(Race, TwoSegmentsConfirmOneConnection) {
    TestRun run(TestRun::Options{.connections = 2 * kRounds});
    run.push(kServices);
    const int received = run.programs().received.get(), sent = run.programs().sent.get();
    race(
        received, [](int round, int) { return tcp(true, 1 + round, kAck, 1001, 5001); },
        [&](int round) {
            run_once(received, tcp(true, 1 + round, kSyn, 1000, 0));
            run_once(sent, tcp(false, 1 + round, kSyn | kAck, 5000, 1001));
        });
    EXPECT_EQ(run.confirmed(), static_cast<std::uint64_t>(kRounds));
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(run.counter("web").connections, static_cast<std::uint64_t>(kRounds));
    EXPECT_EQ(run.turnover(EDGEFW_TABLE_CONNECTIONS).removed, 0u);
}

const char* const kOffice = R"(
default: {external: drop, internal: pass}
nat:
- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 1024-65535}
rules:
- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}
)";

Bytes opener(const std::string& source, int port, bool is_tcp) {
    const Ipv4 ip{.source = source, .destination = "198.51.100.9"};
    const auto from = static_cast<std::uint16_t>(port);
    if (is_tcp) return frame(Ethernet{}, ip, Tcp{.source_port = from, .destination_port = 53, .flags = kSyn});
    return frame(Ethernet{}, ip, Udp{.source_port = from, .destination_port = 53});
}

// Two hosts inside that open from equal ports to one remote end get two public ends.
TEST(Race, TwoInsideHostsGetTwoPublicEnds) {
    for (const bool is_tcp : {true, false}) {
        TestRun run(TestRun::Options{.connections = 4 * kRounds});
        run.push(kOffice);
        race(
            run.programs().sent.get(),
            [&](int round, int processor) {
                return opener(processor == 0 ? "10.0.0.5" : "10.0.0.6", 2000 + round, is_tcp);
            },
            nullptr);
        std::set<std::uint16_t> ends;
        int connections = 0;
        run.each_connection([&](const edgefw_connection4_key&, const edgefw_connection& connection) {
            connections++;
            ends.insert(connection.public_port);
        });
        EXPECT_EQ(connections, 2 * kRounds);
        EXPECT_EQ(ends.size(), 2u * kRounds) << (is_tcp ? "TCP" : "UDP");
        EXPECT_EQ(run.counter("out").connections, 2u * kRounds);
    }
}

// Two segments that confirm a connection which an older policy opened: one processor moves it while the other judges it
// again. What then comes in finds it by its public end.
TEST(Race, WhatIsJudgedAgainKeepsItsPublicEnd) {
    TestRun run(TestRun::Options{.connections = 4 * kRounds});
    run.push(kOffice);
    const auto answer = [](int round, std::uint8_t flags, std::uint32_t sequence) {
        return frame(Ethernet{}, Ipv4{.source = "198.51.100.9", .destination = "203.0.113.7"},
                     Tcp{.source_port = 53,
                         .destination_port = static_cast<std::uint16_t>(2000 + round),
                         .flags = flags,
                         .sequence = sequence,
                         .acknowledgment = 1001});
    };
    for (int round = 0; round < kRounds; round++) {
        const auto from = static_cast<std::uint16_t>(2000 + round);
        run_once(run.programs().sent.get(),
                 frame(Ethernet{}, Ipv4{.source = "10.0.0.5", .destination = "198.51.100.9"},
                       Tcp{.source_port = from, .destination_port = 53, .flags = kSyn, .sequence = 1000}));
        run_once(run.programs().received.get(), answer(round, kSyn | kAck, 5000));
    }
    run.push(kOffice);
    race(
        run.programs().sent.get(),
        [](int round, int) {
            return frame(Ethernet{}, Ipv4{.source = "10.0.0.5", .destination = "198.51.100.9"},
                         Tcp{.source_port = static_cast<std::uint16_t>(2000 + round),
                             .destination_port = 53,
                             .flags = kAck,
                             .sequence = 1001,
                             .acknowledgment = 5001});
        },
        nullptr);
    EXPECT_EQ(run.confirmed(), static_cast<std::uint64_t>(kRounds));
    int lost = 0;
    for (int round = 0; round < kRounds; round++) {
        const std::string judged = run.judge(EDGEFW_RECEIVED, answer(round, kAck, 5001));
        if (!judged.starts_with("pass connection out via office")) lost++;
    }
    EXPECT_EQ(lost, 0);
}

// One opener that comes on both opens one connection, which counts once and has one public end.
TEST(Race, OneOpenerOpensOnce) {
    for (const bool is_tcp : {true, false}) {
        TestRun run(TestRun::Options{.connections = 4 * kRounds});
        run.push(kOffice);
        race(
            run.programs().sent.get(), [&](int round, int) { return opener("10.0.0.5", 2000 + round, is_tcp); },
            nullptr);
        std::uint64_t connections = 0;
        run.each_connection([&](const edgefw_connection4_key& key, const edgefw_connection& connection) {
            connections++;
            EXPECT_EQ(connection.public_port, key.local_port) << "its own was free";
        });
        EXPECT_EQ(connections, static_cast<std::uint64_t>(kRounds));
        EXPECT_EQ(run.counter("out").connections, static_cast<std::uint64_t>(kRounds)) << (is_tcp ? "TCP" : "UDP");
    }
}

}  // namespace
}  // namespace edgefw::test
