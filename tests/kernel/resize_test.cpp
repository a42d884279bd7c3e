// SPDX-License-Identifier: GPL-2.0-only
// Tables of connections: what comes into them and goes out of them is counted, a full one never passes what it cannot
// keep, and a push to other sizes loses no connection that has room.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include "maps/limits.h"
#include "tests/kernel/one_processor.h"
#include "tests/kernel/services.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/resize.h"

namespace edgefw::test {
namespace {

constexpr edgefw_table kHalfOpen = EDGEFW_TABLE_OPENINGS, kConfirmed = EDGEFW_TABLE_CONNECTIONS;

std::string question(int port) {
    return "external inbound udp 198.51.100.9:" + std::to_string(port) + " > 192.0.2.20:53";
}

std::string answer(int port) {
    return "external outbound udp 192.0.2.20:53 > 198.51.100.9:" + std::to_string(port);
}

// What the kernel's LRU may have taken out of a table before it is full: it frees up to half of a processor's share of
// the entries at once (from 6.16 on, and in later 6.12; 128 before), and keeps them for that processor.
std::uint64_t set_aside(std::uint32_t capacity) {
    const auto processors = static_cast<std::uint32_t>(kernel::cpus());
    utsname name = {};
    uname(&name);
    int major = 0, minor = 0;
    std::sscanf(name.release, "%d.%d", &major, &minor);
    const std::uint32_t at_once = major * 100 + minor < 612 ? 128 : std::max(1u, capacity / processors / 2);
    return std::uint64_t{processors} * at_once;
}

// Each opener that passes is kept: its answer finds it. What had to go is counted, all of it.
TEST(Resize, AFullTableRecyclesAndCounts) {
    constexpr std::uint32_t kCapacity = 16;
    constexpr int kOpeners = 100;
    TestRun run(TestRun::Options{.connections = kCapacity});
    run.push(kServices);
    for (int port = 1; port <= kOpeners; port++) {
        EXPECT_EQ(run.judge(question(port)), "pass rule dns opened") << port;
        EXPECT_EQ(run.judge(answer(port)), "pass connection dns") << port;
        EXPECT_LE(run.half_open(), kCapacity);
    }
    EXPECT_EQ(run.judge(answer(1)), "drop default") << "recycled";
    const edgefw_table_counter counter = run.turnover(kHalfOpen);
    EXPECT_EQ(counter.inserted, static_cast<std::uint64_t>(kOpeners));
    EXPECT_EQ(counter.removed, 0u);
    EXPECT_EQ(counter.refused, 0u);
    EXPECT_GE(run.half_open() + set_aside(kCapacity), kCapacity);
    int alive = 0;
    for (int port = 1; port <= kOpeners; port++)
        alive += run.judge(answer(port)) == "pass connection dns" ? 1 : 0;
    EXPECT_EQ(static_cast<std::uint64_t>(alive), run.half_open());
    EXPECT_EQ(run.turnover(kHalfOpen, EDGEFW_IPV6).inserted, 0u);
}

// What moves on or is replaced by a later one is removed, not recycled.
TEST(Resize, WhatEndsIsCountedAsRemoved) {
    TestRun run("timeouts: {udp-one-way: 1}" + kServices);
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
                  {question(5), "pass rule dns opened"},
              });
    EXPECT_EQ(run.turnover(kHalfOpen).inserted, 2u);
    EXPECT_EQ(run.turnover(kHalfOpen).removed, 1u);
    EXPECT_EQ(run.turnover(kConfirmed).inserted, 1u);
    EXPECT_EQ(run.turnover(kConfirmed).removed, 0u);
    std::this_thread::sleep_for(std::chrono::milliseconds(1300));
    EXPECT_EQ(run.judge(question(5)), "pass rule dns opened") << "the one before has expired";
    EXPECT_EQ(run.turnover(kHalfOpen).inserted, 3u);
    EXPECT_EQ(run.turnover(kHalfOpen).removed, 2u);
    EXPECT_EQ(run.half_open(), 1u);
    tell(run, {
                  {"external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:443 syn", "pass rule web opened"},
              });
    EXPECT_EQ(run.turnover(kHalfOpen, EDGEFW_IPV6).inserted, 1u);
    EXPECT_EQ(run.turnover(kHalfOpen).inserted, 3u);
}

TEST(Resize, WhatCannotBeKeptDropsAndCounts) {
    TestRun run(TestRun::Options{.connections = 16, .recycles = false});
    run.push(kServices);
    for (int port = 1; port <= 16; port++)
        EXPECT_EQ(run.judge(question(port)), "pass rule dns opened") << port;
    for (int port = 17; port <= 20; port++)
        EXPECT_EQ(run.judge(question(port)), "drop connection-table dns") << port;
    EXPECT_EQ(run.judge(answer(17)), "drop default") << "nothing was kept";
    EXPECT_EQ(run.judge(answer(16)), "pass connection dns");
    EXPECT_EQ(run.turnover(kHalfOpen).inserted, 16u);
    EXPECT_EQ(run.turnover(kHalfOpen).refused, 4u);
    EXPECT_EQ(run.reason(EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_CONNECTION_TABLE).packets, 4u);
}

// Where the confirmed ones have no room a connection stays half open, and goes on.
TEST(Resize, WhatCannotBeConfirmedStaysHalfOpen) {
    TestRun run(TestRun::Options{.connections = 16, .recycles = false});
    run.push(kServices);
    for (int port = 1; port <= 17; port++) {
        EXPECT_EQ(run.judge(question(port)), "pass rule dns opened") << port;
        EXPECT_EQ(run.judge(answer(port)), "pass connection dns") << port;
        run.age(EDGEFW_SETTLED_SECONDS);
        EXPECT_EQ(run.judge(question(port)), "pass connection dns") << port;
    }
    EXPECT_EQ(run.confirmed(), 16u);
    EXPECT_EQ(run.half_open(), 1u);
    EXPECT_EQ(run.turnover(EDGEFW_TABLE_DATAGRAMS).inserted, 16u);
    EXPECT_EQ(run.turnover(EDGEFW_TABLE_DATAGRAMS).refused, 1u);
    EXPECT_EQ(run.judge(answer(17)), "pass connection dns");
}

// Between the flip and the end of a push to another size: each packet finds its connection in the older tables, once.
TEST(Resize, PacketsFetchTheirConnections) {
    TestRun run(kServices);
    tell(run, {
                  {kThere + "syn", "pass rule web opened"},
                  {kBack + "syn,ack", "pass connection web"},
                  {kThere + "ack", "pass connection web"},
                  {question(5), "pass rule dns opened"},
                  {question(6), "pass rule dns opened"},
                  {"external inbound tcp 198.51.100.9:7 > 192.0.2.20:443 syn", "pass rule web opened"},
                  {"external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:443 syn", "pass rule web opened"},
              });
    run.resize(64);
    EXPECT_EQ(run.left_behind(), 5u);
    tell(run, {
                  {kBack + "ack", "pass connection web"},
                  {answer(5), "pass connection dns"},
              });
    run.age(EDGEFW_SETTLED_SECONDS);
    tell(run, {
                  {question(5), "pass connection dns"},
                  {"external inbound tcp 198.51.100.9:7 > 192.0.2.20:443 syn", "pass connection web"},
                  {"external outbound tcp 192.0.2.20:443 > 198.51.100.9:7 syn,ack", "pass connection web"},
                  {"external outbound tcp [2001:db8::2]:443 > [2001:db8::1]:1 syn,ack", "pass connection web"},
                  {question(8), "pass rule dns opened"},
                  {answer(9), "drop default"},
              });
    EXPECT_EQ(run.left_behind(), 1u);
    EXPECT_EQ(run.confirmed(), 2u);
    EXPECT_EQ(run.half_open(), 3u);
    EXPECT_EQ(run.turnover(kHalfOpen).inserted, 5u) << "what comes over is not new";
    EXPECT_EQ(run.turnover(kConfirmed).inserted, 1u);
    EXPECT_EQ(run.turnover(EDGEFW_TABLE_DATAGRAMS).inserted, 1u);
    EXPECT_EQ(run.turnover(kHalfOpen).refused, 0u);
}

// What ended in the new tables does not come back from the older ones.
TEST(Resize, WhatEndedStaysEnded) {
    TestRun run(kServices);
    const std::string there = "external inbound tcp 198.51.100.9:7 > 192.0.2.20:443 ";
    const std::string back = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:7 ";
    tell(run, {
                  {there + "syn", "pass rule web opened"},
                  {back + "syn,ack", "pass connection web"},
                  {there + "ack", "pass connection web"},
                  {there + "fin,ack", "pass connection web"},
                  {back + "fin,ack", "pass connection web"},
                  {question(5), "pass rule dns opened"},
              });
    run.resize(64);
    EXPECT_EQ(run.judge(there + "syn"), "pass rule web opened") << "the port is used again";
    EXPECT_EQ(run.left_behind(), 1u);
    EXPECT_EQ(run.confirmed(), 0u);
    EXPECT_EQ(run.half_open(), 1u);
    run.push("rules: []");
    EXPECT_EQ(run.judge(answer(5)), "drop revoked");
    EXPECT_EQ(run.judge(answer(5)), "drop default");
    EXPECT_EQ(run.left_behind(), 0u);
}

// What the control plane brings over and a packet asks for at the same moment: both begin with one connection after the
// other, each time the control plane a little later. (On a machine with one processor they never meet.)
class SameMoment : public ::testing::Test {
protected:
    static constexpr int kConnections = 512, kStep = 8;

    // Opens the connections; then each is brought over while its answer is judged, under `rules` where there are some.
    // Returns how many answers were not judged as `expected`.
    int not_judged(const std::string& expected, const std::string& rules) {
        for (int port = 1; port <= kConnections; port++)
            EXPECT_EQ(run_.judge(question(port)), "pass rule dns opened") << port;
        run_.resize(4 * kConnections);
        if (!rules.empty()) run_.push(rules);
        run_.programs();
        std::vector<std::vector<std::uint8_t>> keys;
        const kernel::ConnectionTable table = run_.openings4();
        (void)table.older->for_each([&](const std::uint8_t* key, const std::uint8_t*) {
            keys.emplace_back(key, key + table.older->key_size());
        });
        std::atomic<int> turn = 0;
        std::thread control_plane([&] {
            const OneProcessor last(OneProcessor::kLast);
            for (int i = 0; i < static_cast<int>(keys.size()); i++) {
                while (turn <= i)
                    std::this_thread::yield();
                for (std::atomic<int> wait = i * kStep; wait > 0;)
                    wait--;
                EXPECT_TRUE(kernel::bring_one(table, keys[static_cast<std::size_t>(i)]));
                turn = -i - 1;
            }
        });
        const OneProcessor first(OneProcessor::kFirst);
        int wrong = 0;
        for (int i = 0; i < static_cast<int>(keys.size()); i++) {
            edgefw_connection4_key key;
            std::memcpy(&key, keys[static_cast<std::size_t>(i)].data(), sizeof(key));
            const packet::Packet packet = *packet::parse(answer(ntohs(key.remote_port)));
            turn = i + 1;
            wrong += run_.judge(packet) == expected ? 0 : 1;
            while (turn > 0)
                std::this_thread::yield();
        }
        control_plane.join();
        return wrong;
    }

    TestRun run_ = TestRun(TestRun::Options{.connections = 2 * kConnections});
};

TEST_F(SameMoment, APacketFindsItsConnectionOnTheWay) {
    run_.push(kServices);
    EXPECT_EQ(not_judged("pass connection dns", ""), 0);
    EXPECT_EQ(run_.half_open(), static_cast<std::uint64_t>(kConnections));
    EXPECT_EQ(run_.left_behind(), 0u);
    EXPECT_EQ(run_.turnover(kHalfOpen).inserted, static_cast<std::uint64_t>(kConnections));
    EXPECT_EQ(run_.turnover(kHalfOpen).removed, 0u);
}

TEST_F(SameMoment, WhatEndsOnTheWayStaysEnded) {
    run_.push(kServices);
    EXPECT_EQ(not_judged("drop revoked", "rules: []"), 0);
    EXPECT_EQ(run_.half_open(), 0u);
    EXPECT_EQ(run_.left_behind(), 0u);
    EXPECT_EQ(run_.turnover(kHalfOpen).removed, static_cast<std::uint64_t>(kConnections));
}

// On an attached card, with real pushes.

const char* const kRules = "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, action: pass}\n";

std::string sized(std::uint32_t entries) {
    const std::string number = std::to_string(entries);
    return "connections: {confirmed: " + number + ", half_open: " + number + "}\n" + kRules;
}

Bytes datagram(std::uint16_t port) {
    return frame(Ethernet{}, Ipv4{}, Udp{.source_port = port, .destination_port = 53}, payload(10));
}

kernel::CardStatus status() {
    const auto status = kernel::status(true);
    if (!status) throw std::runtime_error(status.error().message);
    return status->cards.front();
}

kernel::Occupancy table(const std::string& name) {
    for (const kernel::Occupancy& map : status().maps) {
        if (map.map == name) return map;
    }
    throw std::runtime_error("no table " + name);
}

kernel::CardCounters counters() {
    const auto all = kernel::counters({});
    if (!all) throw std::runtime_error(all.error().message);
    return all->front();
}

std::uint64_t opened() {
    const kernel::CardCounters now = counters();
    return now.at(now.listing->slots().at("dns")).connections;
}

std::string push(const std::string& lines) {
    const auto report = kernel::push(compiled(lines), {});
    if (!report) throw std::runtime_error(report.error().message);
    return report->warning;
}

void attach(const std::string& lines) {
    kernel::AttachRequest request;
    request.interface = "eth0";
    request.policy = compiled(lines);
    const auto card = kernel::attach(request);
    if (!card) throw std::runtime_error(card.error().message);
}

std::uint64_t received() {
    std::uint64_t sum = 0;
    const kernel::CardCounters now = counters();
    for (const auto& verdict : now.reasons[EDGEFW_RECEIVED]) {
        for (const auto& reason : verdict)
            sum += reason.packets;
    }
    return sum;
}

// Sends one datagram from each of `count` ports, and returns when all have been judged.
void send_from(FrameSocket& peer, int first, int count) {
    const std::uint64_t before = received();
    for (int i = 0; i < count; i++) {
        peer.send(datagram(static_cast<std::uint16_t>(first + i)));
        if (i % 64 == 63) usleep(1000);
    }
    for (int i = 0; i < 400 && received() < before + static_cast<std::uint64_t>(count); i++)
        usleep(5000);
    ASSERT_EQ(received(), before + static_cast<std::uint64_t>(count));
}

TEST(Resize, ThePolicySaysHowLarge) {
    Lab lab;
    attach("connections: {confirmed: {ipv4: 512, ipv6: 16}, half_open: 64}\n" + std::string(kRules));
    EXPECT_EQ(table("connections-ipv4").capacity, 512u);
    EXPECT_EQ(table("connections-ipv6").capacity, 16u);
    EXPECT_EQ(table("openings-ipv4").capacity, 64u);
    EXPECT_EQ(push(kRules), "");
    EXPECT_EQ(table("connections-ipv4").capacity, EDGEFW_CONNECTIONS_DEFAULT);
    EXPECT_EQ(table("openings-ipv6").capacity, EDGEFW_OPENINGS_DEFAULT);
    kernel::AttachRequest request;
    request.interface = "eth1";
    lab.add_card("eth1");
    request.connections = 4096;
    request.policy = compiled(kRules);
    const auto refused = kernel::attach(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "--connections is for a card without a policy; write `connections: { confirmed: 4096 }` in the policy "
              "instead");
}

TEST(Resize, ALargerTableTakesAllAndASmallerOneTheLatest) {
    const OneProcessor pinned;
    Lab lab;
    attach(sized(256));
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    send_from(peer, 1, 30);
    usleep(50'000);  // so that the next ones are later on the kernel's clock
    send_from(peer, 101, 10);
    EXPECT_EQ(push(sized(4096)), "");
    EXPECT_EQ(table("openings-ipv4").entries, 40u);
    EXPECT_EQ(table("openings-ipv4").capacity, 4096u);
    send_from(peer, 1, 30);
    EXPECT_EQ(opened(), 40u) << "none was lost and opened again";
    usleep(50'000);
    send_from(peer, 101, 10);
    EXPECT_EQ(push(sized(16)),
              "eth0: 24 of 40 half-open IPv4 connections did not fit into 16 entries; those seen last were kept");
    const kernel::Occupancy half_open = table("openings-ipv4");
    EXPECT_EQ(half_open.entries, 16u);
    EXPECT_EQ(half_open.turnover->inserted, 40u);
    EXPECT_EQ(half_open.turnover->removed, 0u);
    EXPECT_EQ(half_open.turnover->recycled, 24u);
    const auto left = kernel::connections({});
    ASSERT_TRUE(left);
    int latest = 0;
    for (const kernel::Connection& connection : *left)
        latest += connection.remote_port > 100 ? 1 : 0;
    EXPECT_EQ(latest, 10);
    ASSERT_TRUE(kernel::end_connections([](const kernel::Connection&) { return true; }));
    EXPECT_EQ(table("openings-ipv4").entries, 0u);
    EXPECT_EQ(table("openings-ipv4").turnover->removed, 16u);
    EXPECT_EQ(table("openings-ipv4").turnover->recycled, 24u) << "what is ended by hand is removed";
}

// Tables of many sizes under traffic that never stops, with new connections all the time: none is opened twice, so none
// was lost, not even between two packets.
TEST(Resize, NoPacketMissesItsConnection) {
    Lab lab;
    attach(sized(8192));
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    std::atomic<bool> stop = false;
    std::atomic<int> ports = 0;
    std::thread traffic([&] {
        // Each round one port more, up to 2,000, and all of them again.
        for (int round = 0; !stop; round++) {
            if (ports < 2000) ports++;
            for (int i = 0; i < 16; i++)
                peer.send(datagram(static_cast<std::uint16_t>(1 + (round * 7 + i * 131) % ports)));
            peer.send(datagram(static_cast<std::uint16_t>(ports.load())));
            usleep(200);
        }
    });
    for (const std::uint32_t size : {16384u, 4096u, 65536u, 8192u, 4096u, 32768u}) {
        EXPECT_EQ(push(sized(size)), "") << size;
        EXPECT_EQ(table("openings-ipv4").capacity, size);
    }
    stop = true;
    traffic.join();
    usleep(100'000);
    EXPECT_EQ(opened(), static_cast<std::uint64_t>(ports));
    EXPECT_EQ(table("openings-ipv4").entries, static_cast<std::uint64_t>(ports));
    EXPECT_EQ(table("openings-ipv4").turnover->recycled, 0u);
    EXPECT_GT(ports, 100);
}

}  // namespace
}  // namespace edgefw::test
