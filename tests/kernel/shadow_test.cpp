// SPDX-License-Identifier: GPL-2.0-only
// The shadow: what it says is counted and recorded, and nothing that it says or does changes a verdict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "maps/shadow.h"
#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/document/document.h"
#include "userspace/image/compile.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/pins.h"
#include "userspace/policy/reasons.h"

namespace edgefw::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string passes(int port, const std::string& more = "") {
    return "rules:\n- {name: to-" + std::to_string(port) +
           ", side: external, direction: inbound, protocol: udp, local_port: " + std::to_string(port) +
           ", action: pass" + more + "}\n";
}

void attach(const std::string& interface, const std::string& lines = "",
            kernel::ReceivedMode mode = kernel::ReceivedMode::kAuto) {
    kernel::AttachRequest request;
    request.interface = interface;
    request.mode = mode;
    if (!lines.empty()) request.policy = compiled(lines);
    const auto card = kernel::attach(request);
    ASSERT_TRUE(card) << card.error().message;
}

void begin_shadow(const std::string& lines, const std::optional<std::string>& interface = {}) {
    const auto generation = kernel::begin_shadow(compiled(lines), interface);
    ASSERT_TRUE(generation) << generation.error().message;
}

kernel::CardShadow shadow_of(const std::string& interface = "eth0") {
    const auto all = kernel::shadows(interface);
    EXPECT_TRUE(all) << all.error().message;
    EXPECT_EQ(all->size(), 1u);
    return all->empty() ? kernel::CardShadow{} : all->front();
}

// "drop default -> to-2: 3 packets, 1 connections"
std::vector<std::string> told(const kernel::CardShadow& shadow) {
    std::vector<std::string> lines;
    for (const kernel::ShadowDifference& one : shadow.differences)
        lines.push_back(std::string(policy::to_text(one.verdict)) + " " +
                        (one.rule.empty() ? policy::to_text(one.reason) : one.rule) + " -> " +
                        (one.shadow_rule.empty() ? policy::to_text(one.shadow_reason) : one.shadow_rule) + ": " +
                        std::to_string(one.packets) + " packets, " + std::to_string(one.connections) + " connections");
    return lines;
}

// A card's two ends, and datagrams between 198.51.100.9 outside and 192.0.2.20.
class Wire {
public:
    explicit Wire(Lab& lab, const std::string& card = "eth0")
        : peer(lab.in_peer([&] { return FrameSocket("peer-" + card); })), host(card) {}

    bool arrives(std::uint16_t port, std::uint16_t from = 999) {
        peer.send(frame(Ethernet{}, Ipv4{}, Udp{.source_port = from, .destination_port = port}, payload(10)));
        return host.receive(milliseconds(60)).has_value();
    }
    bool leaves(std::uint16_t port, std::uint16_t to = 999) {
        host.send(frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                        Udp{.source_port = port, .destination_port = to}, payload(10)));
        return peer.receive(milliseconds(60)).has_value();
    }

    FrameSocket peer, host;
};

TEST(Shadow, WhatItWouldDecideOtherwiseIsCounted) {
    for (const kernel::ReceivedMode mode : {kernel::ReceivedMode::kAuto, kernel::ReceivedMode::kTc}) {
        Lab lab;
        attach("eth0", "default: {external: {inbound: drop, outbound: pass}}\n" + passes(1), mode);
        begin_shadow("default: {external: {inbound: drop, outbound: drop}}\n" + passes(2));
        Wire wire(lab);
        // A raw socket sees what a card receives before tc does.
        const bool at_xdp = mode == kernel::ReceivedMode::kAuto;
        EXPECT_TRUE(wire.arrives(1));
        EXPECT_NE(wire.arrives(2), at_xdp);
        EXPECT_NE(wire.arrives(2), at_xdp);
        EXPECT_NE(wire.arrives(3), at_xdp) << "both drop it";
        EXPECT_TRUE(wire.leaves(4)) << "the shadow would drop it";
        EXPECT_TRUE(wire.arrives(1)) << "a known connection is not asked about";
        const auto shadow = shadow_of();
        EXPECT_THAT(told(shadow), UnorderedElementsAre("drop default -> to-2: 2 packets, 0 connections",
                                                       "pass to-1 -> default: 1 packets, 0 connections",
                                                       "pass default -> default: 1 packets, 0 connections"));
        EXPECT_EQ(shadow.asked, 5u);
        EXPECT_EQ(shadow.different, 4u);
        const auto counted = kernel::counters("eth0")->front();
        EXPECT_EQ(counted.at(counted.listing->slots().at("to-1")).packets, 2u) << "those in force count as ever";
        EXPECT_EQ(counted.reasons[EDGEFW_RECEIVED][EDGEFW_DROP][EDGEFW_REASON_DEFAULT].packets, 3u);
        EXPECT_EQ(counted.reasons[EDGEFW_SENT][EDGEFW_PASS][EDGEFW_REASON_DEFAULT].packets, 1u);
    }
}

TEST(Shadow, OpenConnectionsAreAskedAboutOnce) {
    Lab lab;
    attach("eth0", passes(1));
    Wire wire(lab);
    ASSERT_TRUE(wire.arrives(1));
    ASSERT_TRUE(wire.leaves(1));
    begin_shadow(passes(2));
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(wire.arrives(1));
        EXPECT_TRUE(wire.leaves(1));
    }
    EXPECT_THAT(told(shadow_of()), UnorderedElementsAre("pass to-1 -> default: 0 packets, 1 connections"));
    EXPECT_EQ(kernel::connections({})->size(), 1u);
    EXPECT_FALSE(kernel::connections({})->front().revoked);
    // Another one begins anew.
    begin_shadow(passes(3));
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_THAT(told(shadow_of()), UnorderedElementsAre("pass to-1 -> default: 0 packets, 1 connections"));
}

TEST(Shadow, OtherFramesToo) {
    Lab lab;
    attach("eth0", "rules:\n- {name: plain, side: external, ethertype: 0x88b5, action: pass}\n");
    begin_shadow("rules:\n- {name: other, side: external, ethertype: 0x88b6, action: pass}\n");
    Wire wire(lab);
    const auto arrives = [&](std::uint16_t ethertype) {
        wire.peer.send(frame(Ethernet{.type = ethertype}, payload(46)));
        return wire.host.receive(milliseconds(60)).has_value();
    };
    EXPECT_TRUE(arrives(0x88b5));
    EXPECT_FALSE(arrives(0x88b6));
    EXPECT_THAT(told(shadow_of()),
                UnorderedElementsAre("pass plain -> unsupported-ethertype: 1 packets, 0 connections",
                                     "drop unsupported-ethertype -> other: 1 packets, 0 connections"));
}

TEST(Shadow, IsRecordedAndIsNoDrop) {
    Lab lab;
    attach("eth0", passes(1));
    begin_shadow(passes(2));
    Wire wire(lab);
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_FALSE(wire.arrives(2));
    const auto all = kernel::drops("eth0");
    ASSERT_TRUE(all) << all.error().message;
    const kernel::CardDrops& card = all->front();
    std::vector<std::string> lines;
    for (const kernel::Drop& drop : card.drops)
        lines.push_back(std::string(drop.is_shadow ? "shadow " : "") + policy::to_text(drop.verdict) + " " +
                        (drop.rule.empty() ? policy::to_text(drop.reason) : drop.rule));
    EXPECT_THAT(lines, UnorderedElementsAre("shadow drop default", "shadow pass to-2", "drop default"));
    EXPECT_EQ(card.recorded[EDGEFW_RECEIVED][EDGEFW_REASON_DEFAULT], 1u);
    EXPECT_EQ(card.dropped[EDGEFW_RECEIVED][EDGEFW_REASON_DEFAULT], 1u);
}

TEST(Shadow, EndsWithoutATrace) {
    Lab lab;
    attach("eth0", passes(1));
    EXPECT_THAT(kernel::end_shadow({}).error().message, HasSubstr("there is no shadow"));
    begin_shadow(passes(2));
    begin_shadow(passes(3));
    ASSERT_EQ(shadow_of().asked, 0u);
    const auto ended = kernel::end_shadow({});
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_TRUE(kernel::shadows({})->empty());
    const auto home = kernel::Home::look();
    EXPECT_TRUE(home->shadows().empty());
    for (const std::uint32_t card : home->cards()) {
        for (const std::string& name : kernel::entries(home->card(static_cast<int>(card))))
            EXPECT_THAT(name, testing::Not(testing::StartsWith("shadow")));
    }
    Wire wire(lab);
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_FALSE(wire.arrives(3));
    EXPECT_EQ(kernel::status(false)->cards.front().repeats, 1u) << "it is the policy of the first generation";
}

// What a connection may be judged by can change within a generation: the addresses of hosts. So the policy in force
// does not judge again what it has judged.
TEST(Shadow, EndsNoConnectionThatWouldNotOpenToday) {
    Lab lab;
    policy::Policy policy = policy_of(
        "rules:\n- {name: peer, side: external, direction: inbound, protocol: udp, remote: peer.example, action: "
        "pass}\n");
    const Address peer = *Address::parse("198.51.100.9");
    policy.hosts.front().addresses = {peer};
    kernel::AttachRequest request;
    auto image = image::compile(policy);
    ASSERT_TRUE(image) << image.error().message;
    request.interface = "eth0";
    request.policy = kernel::Compiled{std::move(*image), document::write_text(policy), "", "", document::list(policy)};
    ASSERT_TRUE(kernel::attach(request));
    Wire wire(lab);
    ASSERT_TRUE(wire.arrives(1));
    ASSERT_TRUE(wire.leaves(1));
    ASSERT_TRUE(kernel::move_hosts(1, {{peer, 0}}, ""));
    EXPECT_FALSE(wire.arrives(2)) << "it opens nothing any more";
    EXPECT_TRUE(wire.arrives(1));
    begin_shadow(passes(1));
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_TRUE(wire.leaves(1));
    EXPECT_EQ(shadow_of().asked, 1u);
    begin_shadow(passes(2));
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_THAT(told(shadow_of()), UnorderedElementsAre("pass peer -> default: 0 packets, 1 connections"));
    ASSERT_TRUE(kernel::end_shadow({}));
    EXPECT_TRUE(wire.leaves(1));
    EXPECT_FALSE(wire.arrives(3));
}

// A push ends it; one that is taken back brings it back.
TEST(Shadow, PushesMeanwhile) {
    Lab lab;
    attach("eth0", passes(1));
    begin_shadow(passes(2));
    Wire wire(lab);
    ASSERT_TRUE(kernel::push(compiled(passes(3)), {}, {600, false}));
    EXPECT_TRUE(kernel::shadows({})->empty());
    EXPECT_THAT(kernel::begin_shadow(compiled(passes(2)), {}).error().message, HasSubstr("waits to be confirmed"));
    EXPECT_TRUE(wire.arrives(3));
    ASSERT_TRUE(kernel::fall_back());
    EXPECT_FALSE(wire.arrives(2));
    EXPECT_TRUE(wire.arrives(1));
    EXPECT_EQ(shadow_of().different, 2u);
    ASSERT_TRUE(kernel::push(compiled("connections: {confirmed: 512, half_open: 64}\n" + passes(2)), {}));
    EXPECT_TRUE(kernel::shadows({})->empty());
    EXPECT_TRUE(wire.arrives(2));
    EXPECT_TRUE(kernel::Home::look()->shadows().empty());
}

TEST(Shadow, CardsComeAndGo) {
    Lab lab;
    lab.add_card("eth1");
    lab.add_card("eth2");
    attach("eth0", passes(1));
    attach("eth1");
    EXPECT_THAT(kernel::begin_shadow(compiled(passes(2)), "eth1").error().message,
                HasSubstr("no policy is in force on eth1"));
    begin_shadow(passes(2));
    EXPECT_EQ(kernel::shadows({})->size(), 1u) << "a card without a policy has none";
    ASSERT_TRUE(kernel::end_shadow({}));
    EXPECT_TRUE(Wire(lab, "eth1").arrives(9)) << "and lets pass what it did";
    begin_shadow(passes(2), "eth0");
    EXPECT_EQ(kernel::shadows({})->size(), 1u);
    ASSERT_TRUE(kernel::push(compiled(passes(1)), "eth1"));
    begin_shadow(passes(2));
    EXPECT_EQ(kernel::shadows({})->size(), 2u);
    attach("eth2", passes(3));
    ASSERT_TRUE(kernel::detach("eth1"));
    EXPECT_EQ(kernel::shadows({})->size(), 1u);
    Wire first(lab), newcomer(lab, "eth2");
    EXPECT_TRUE(first.arrives(1));
    EXPECT_TRUE(newcomer.arrives(3));
    EXPECT_FALSE(newcomer.arrives(1));
    EXPECT_EQ(shadow_of().different, 1u);
    ASSERT_TRUE(kernel::detach("eth0"));
    ASSERT_TRUE(kernel::detach("eth2"));
    EXPECT_FALSE(kernel::Home::look()->exists()) << "nothing is left";
}

// More pairs of rules than there is room for: the rest is one number. And two processors at once: each packet is asked
// about once, and has the verdict of what is in force.
TEST(Shadow, AllPairsOnTwoProcessors) {
    constexpr int kRules = 68;
    std::string in_force = "rules:\n", shadow = "rules:\n";
    for (int i = 0; i < kRules; i++) {
        in_force += "- {name: p" + std::to_string(i) +
                    ", side: external, direction: inbound, protocol: udp, local_port: " + std::to_string(1000 + i) +
                    ", action: pass, state: none}\n";
        shadow += "- {name: d" + std::to_string(i) +
                  ", side: external, direction: inbound, protocol: udp, remote_port: " + std::to_string(1000 + i) +
                  ", action: drop}\n";
    }
    Lab lab;
    attach("eth0", in_force);
    begin_shadow(shadow);
    std::vector<FrameSocket> senders;
    for (int i = 0; i < 2; i++)
        senders.push_back(lab.in_peer([] { return FrameSocket("peer-eth0"); }));
    std::vector<std::thread> threads;
    for (int half = 0; half < 2; half++) {
        threads.emplace_back([&, half] {
            for (int i = half; i < kRules; i += 2) {
                for (int j = 0; j < kRules; j++)
                    senders[static_cast<std::size_t>(half)].send(
                        frame(Ethernet{}, Ipv4{},
                              Udp{.source_port = static_cast<std::uint16_t>(1000 + j),
                                  .destination_port = static_cast<std::uint16_t>(1000 + i)},
                              payload(10)));
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    constexpr std::uint64_t kSent = std::uint64_t{kRules} * kRules;
    // Where the wire's queue was full a frame came to nobody.
    const auto counters = kernel::counters("eth0")->front();
    std::uint64_t passed = 0;
    for (const auto& [id, slot] : counters.listing->slots())
        passed += counters.at(slot).packets;
    EXPECT_LE(passed, kSent);
    ASSERT_GT(passed, std::uint64_t{EDGEFW_SHADOW_DIFFERENCES}) << "this proves nothing";
    const auto seen = shadow_of();
    EXPECT_EQ(seen.asked, passed);
    EXPECT_EQ(seen.different, passed);
    EXPECT_EQ(seen.differences.size(), std::size_t{EDGEFW_SHADOW_DIFFERENCES});
    std::uint64_t counted = 0;
    for (const kernel::ShadowDifference& one : seen.differences)
        counted += one.packets;
    EXPECT_EQ(counted + seen.uncounted, passed);
    EXPECT_EQ(seen.uncounted, passed - EDGEFW_SHADOW_DIFFERENCES);
}

}  // namespace
}  // namespace edgefw::test
