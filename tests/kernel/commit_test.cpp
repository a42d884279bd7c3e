// SPDX-License-Identifier: GPL-2.0-only
// commit: attach, push, detach on a card of the test's own. A push replaces a policy whole, counters keep to their ids,
// and what fails changes nothing.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/document/document.h"
#include "userspace/document/sources.h"
#include "userspace/engine/build.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/pins.h"

namespace edgefw::test {
namespace {

using kernel::CardCounters;

const char* const kUdp = R"(
rules:
- {name: one, side: external, direction: inbound, protocol: udp, local_port: 1, action: pass}
- {name: two, side: external, direction: inbound, protocol: udp, local_port: 2, action: pass}
)";

Bytes udp(std::uint16_t port) {
    return frame(Ethernet{}, Ipv4{}, Udp{.destination_port = port}, payload(10));
}

Result<kernel::Card> attach(const std::string& interface, const std::string& lines = "") {
    kernel::AttachRequest request;
    request.interface = interface;
    if (!lines.empty()) request.policy = compiled(lines);
    return kernel::attach(request);
}

void push(const std::string& lines) {
    const auto report = kernel::push(compiled(lines), {});
    ASSERT_TRUE(report) << report.error().message;
}

CardCounters counters(const std::string& interface = "eth0") {
    const auto all = kernel::counters(interface);
    if (!all) throw std::runtime_error(all.error().message);
    return all->front();
}

std::uint64_t received(const CardCounters& counters, edgefw_verdict verdict, edgefw_reason reason) {
    return counters.reasons[EDGEFW_RECEIVED][verdict][reason].packets;
}

edgefw_counter counter(const CardCounters& counters, const std::string& id) {
    return counters.at(counters.listing->slots().at(id));
}

// The hook has run when the frame is seen beyond it, or counted as dropped.
void deliver(FrameSocket& peer, const Bytes& frame) {
    const auto total = [] {
        std::uint64_t sum = 0;
        const CardCounters now = counters();
        for (const auto& verdict : now.reasons[EDGEFW_RECEIVED]) {
            for (const auto& reason : verdict)
                sum += reason.packets;
        }
        return sum;
    };
    const std::uint64_t before = total();
    peer.send(frame);
    for (int i = 0; i < 200 && total() == before; i++)
        usleep(5000);
    ASSERT_EQ(total(), before + 1);
}

FrameSocket peer_of(Lab& lab, const std::string& card = "eth0") {
    return lab.in_peer([&] { return FrameSocket("peer-" + card); });
}

TEST(Commit, AttachWithoutAPolicyPassesAndCounts) {
    Lab lab;
    const auto card = attach("eth0");
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_EQ(card->interface, "eth0");
    EXPECT_EQ(card->mode, kernel::ReceivedMode::kNative);
    EXPECT_EQ(card->generation, 0u);
    FrameSocket peer = peer_of(lab);
    FrameSocket host("eth0");
    deliver(peer, udp(1));
    EXPECT_EQ(host.receive(), udp(1));
    EXPECT_EQ(received(counters(), EDGEFW_PASS, EDGEFW_REASON_NO_POLICY), 1u);
}

TEST(Commit, PushArmsAndChangesIt) {
    Lab lab;
    ASSERT_TRUE(attach("eth0"));
    FrameSocket peer = peer_of(lab);
    FrameSocket host("eth0");
    push(kUdp);
    deliver(peer, udp(1));
    EXPECT_EQ(host.receive(), udp(1));
    deliver(peer, udp(3));
    EXPECT_FALSE(host.receive(std::chrono::milliseconds(100)));
    EXPECT_EQ(counter(counters(), "one").packets, 1u);
    EXPECT_EQ(counter(counters(), "one").connections, 1u);
    EXPECT_EQ(received(counters(), EDGEFW_DROP, EDGEFW_REASON_DEFAULT), 1u);
    push("rules:\n- {name: three, side: external, direction: inbound, protocol: udp, local_port: 3, action: pass}\n");
    deliver(peer, udp(3));
    EXPECT_EQ(host.receive(), udp(3));
    deliver(peer, udp(1));
    EXPECT_FALSE(host.receive(std::chrono::milliseconds(100)));
    EXPECT_EQ(received(counters(), EDGEFW_DROP, EDGEFW_REASON_REVOKED), 1u);
    EXPECT_EQ(counters().card.generation, 2u);
    EXPECT_EQ(*kernel::generation_in_force(), 2u);
}

TEST(Commit, ACardOfTheWrongSideIsKnown) {
    Lab lab;
    const std::string rule = "rules:\n- {name: inside, side: internal, protocol: udp, action: pass}\n";
    const auto card = attach("eth0", rule);
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_TRUE(card->without_rules);
    EXPECT_TRUE(kernel::status(false)->cards.front().card.without_rules);
    const struct {
        std::string lines;
        bool without;
        const char* reason;
    } rows[] = {
        {kUdp, false, "a rule is for its side"},
        {rule, true, "none is"},
        {rule + "default: {external: pass, internal: drop}\n", false, "the default passes all"},
        {rule + "default: {external: {inbound: drop, outbound: pass}, internal: drop}\n", true, "half of it drops"},
        {"rules: []", false, "meant as it is"}};
    for (const auto& row : rows) {
        const auto report = kernel::push(compiled(row.lines), {});
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(report->cards.front().without_rules, row.without) << row.reason;
    }
}

// A policy that keeps no state itself still revokes what the one before it opened.
TEST(Commit, PushOfNoRuleRevokes) {
    Lab lab;
    ASSERT_TRUE(attach("eth0", kUdp));
    FrameSocket peer = peer_of(lab);
    deliver(peer, udp(1));
    push("rules: []");
    push("rollback_grace: 0\nrules: []");
    deliver(peer, udp(1));
    deliver(peer, udp(1));
    EXPECT_EQ(received(counters(), EDGEFW_DROP, EDGEFW_REASON_REVOKED), 1u);
    EXPECT_EQ(received(counters(), EDGEFW_DROP, EDGEFW_REASON_DEFAULT), 1u);
}

// A push that was a mistake, and the policy before it again: connections go on.
TEST(Commit, ThePolicyBeforeGoesOnWithWhatWasRevoked) {
    Lab lab;
    ASSERT_TRUE(attach("eth0", kUdp));
    FrameSocket peer = peer_of(lab);
    deliver(peer, udp(1));
    push("rules: []");
    deliver(peer, udp(1));
    deliver(peer, udp(1));
    EXPECT_EQ(received(counters(), EDGEFW_DROP, EDGEFW_REASON_REVOKED), 2u);
    ASSERT_EQ(kernel::connections({})->size(), 1u);
    EXPECT_TRUE(kernel::connections({})->front().revoked);
    push(kUdp);
    deliver(peer, udp(1));
    EXPECT_EQ(received(counters(), EDGEFW_PASS, EDGEFW_REASON_CONNECTION), 1u);
    EXPECT_FALSE(kernel::connections({})->front().revoked);
}

// By id over pushes and reorders; a rule that went and comes back starts at zero.
TEST(Commit, CountersKeepToTheirIds) {
    Lab lab;
    ASSERT_TRUE(attach("eth0", kUdp));
    FrameSocket peer = peer_of(lab);
    deliver(peer, udp(1));
    deliver(peer, udp(2));
    deliver(peer, udp(2));
    push(
        "rules:\n"
        "- {name: new, side: external, direction: inbound, protocol: udp, local_port: 3, action: pass}\n"
        "- {name: two, side: external, direction: inbound, protocol: udp, local_port: 2, action: pass}\n");
    EXPECT_EQ(counter(counters(), "two").packets, 2u);
    EXPECT_EQ(counter(counters(), "two").connections, 1u);
    EXPECT_EQ(counter(counters(), "new").packets, 0u);
    deliver(peer, udp(2));
    push(kUdp);
    EXPECT_EQ(counter(counters(), "two").packets, 3u);
    EXPECT_EQ(counter(counters(), "one").packets, 0u) << "it was away";
    EXPECT_EQ(received(counters(), EDGEFW_PASS, EDGEFW_REASON_RULE), 2u) << "reasons are the card's";
}

// More rules than the card's first counter map has room for: what was counted before stays.
TEST(Commit, CountersGrow) {
    Lab lab;
    ASSERT_TRUE(attach("eth0", kUdp));
    FrameSocket peer = peer_of(lab);
    deliver(peer, udp(1));
    std::string many = kUdp;
    for (int i = 0; i < 5000; i++) {
        many += "- {name: r" + std::to_string(i) +
                ", side: external, protocol: tcp, local_port: " + std::to_string(1 + i) + ", action: drop}\n";
    }
    push(many);
    deliver(peer, udp(1));
    deliver(peer, frame(Ethernet{}, Ipv4{}, Tcp{.destination_port = 5000}));
    EXPECT_EQ(counter(counters(), "one").packets, 2u);
    EXPECT_EQ(counter(counters(), "r4999").packets, 1u);
    push(kUdp);
    EXPECT_EQ(counter(counters(), "one").packets, 2u);
}

// Two cards change at once; one alone when it is named, and the other keeps what it had.
TEST(Commit, TwoCards) {
    Lab lab;
    lab.add_card("eth1");
    ASSERT_TRUE(attach("eth0", kUdp));
    ASSERT_TRUE(attach("eth1"));
    push(kUdp);
    EXPECT_EQ(counters("eth0").card.generation, counters("eth1").card.generation);
    const std::uint32_t both = counters("eth0").card.generation;
    const auto one = kernel::push(compiled("rules: []"), "eth1");
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(one->cards.size(), 1u);
    EXPECT_EQ(counters("eth0").card.generation, both);
    EXPECT_EQ(counters("eth1").card.generation, one->generation);
    FrameSocket peer = peer_of(lab);
    deliver(peer, udp(1));
    EXPECT_EQ(counter(counters("eth0"), "one").packets, 1u);
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_EQ(kernel::status(false)->cards.size(), 1u);
    ASSERT_TRUE(kernel::detach("eth1"));
    EXPECT_FALSE(kernel::is_pinned("/sys/fs/bpf/edgefw"));
}

TEST(Commit, RefusalsAreOneClearLine) {
    Lab lab;
    lab.add_card("eth1");
    const auto nothing = kernel::push(compiled(kUdp), {});
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().message, "no card is attached in this network namespace; first: edgefw attach IFACE");
    ASSERT_TRUE(attach("eth0", kUdp));
    const struct {
        const char* name;
        Error error;
        const char* part;
    } rows[] = {
        {"attached already", attach("eth0").error(), "already attached"},
        {"no such card", attach("eth9").error(), "eth9"},
        {"the loopback card", attach("lo").error(), "no edge to filter"},
        {"pushed to a card that is not attached", kernel::push(compiled(kUdp), "eth1").error(), "eth1 is not attached"},
        {"detached without being attached", kernel::detach("eth1").error(), "eth1 is not attached"},
        {"counters of another", kernel::counters("eth1").error(), "eth1 is not attached"},
        {"a hidden tag",
         kernel::push(compiled("rules:\n- {name: v, side: external, vlan: 7, action: pass}\n"), {}).error(),
         "ethtool -K eth0 rx-vlan-offload off"},
    };
    for (const auto& row : rows) {
        EXPECT_NE(row.error.message.find(row.part), std::string::npos) << row.name << ": " << row.error.message;
        EXPECT_EQ(row.error.message.find('\n'), std::string::npos) << row.name;
    }
    EXPECT_EQ(*kernel::generation_in_force(), 1u) << "what was refused changed nothing";
    EXPECT_EQ(counters().card.generation, 1u);
}

// A program of somebody else's on the hook stays, and attach leaves nothing of its own.
TEST(Commit, AForeignProgramStays) {
    const Lab lab;
    TestRun other;
    ASSERT_EQ(bpf_obj_pin(other.programs().received.get(), "/sys/fs/bpf/foreign"), 0);
    Lab::run("ip link set eth0 xdpgeneric pinned /sys/fs/bpf/foreign");
    const auto card = attach("eth0", kUdp);
    ASSERT_FALSE(card);
    EXPECT_EQ(card.error().kind, ErrorKind::kFailed);
    EXPECT_FALSE(kernel::is_pinned("/sys/fs/bpf/edgefw"));
}

TEST(Commit, EgressByClsact) {
    Lab lab;
    kernel::AttachRequest request;
    request.interface = "eth0";
    request.egress = kernel::Egress::kClsact;
    request.policy =
        compiled("rules:\n- {name: out, side: external, direction: outbound, protocol: udp, action: pass}\n");
    const auto card = kernel::attach(request);
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_EQ(card->egress, kernel::Egress::kClsact);
    FrameSocket host("eth0");
    FrameSocket peer = peer_of(lab);
    host.send(udp(1));
    EXPECT_EQ(peer.receive(), udp(1));
    host.send(frame(Ethernet{}, Ipv4{}, Tcp{}));
    EXPECT_FALSE(peer.receive(std::chrono::milliseconds(100)));
    EXPECT_EQ(counter(counters(), "out").packets, 1u);
    push("rules: []");
    host.send(udp(1));
    EXPECT_FALSE(peer.receive(std::chrono::milliseconds(100)));
    ASSERT_TRUE(kernel::detach("eth0"));
    host.send(udp(1));
    EXPECT_EQ(peer.receive(), udp(1));
}

// explain's judge of what is in force: its rules, with tables of its own.
TEST(Commit, JudgeOfThePolicyInForce) {
    const Lab lab;
    ASSERT_TRUE(attach("eth0", kUdp));
    auto judge = kernel::Judge::in_force({}, 1024);
    ASSERT_TRUE(judge) << judge.error().message;
    const auto judgement = judge->judge(policy::Side::kExternal, EDGEFW_RECEIVED, udp(2));
    ASSERT_TRUE(judgement) << judgement.error().message;
    EXPECT_EQ(judgement->verdict, policy::Action::kPass);
    EXPECT_EQ(judgement->rule, "two");
    EXPECT_EQ(judge->judge(policy::Side::kExternal, EDGEFW_RECEIVED, udp(2))->reason, EDGEFW_REASON_CONNECTION);
    ASSERT_TRUE(judge->forget());
    EXPECT_EQ(judge->judge(policy::Side::kExternal, EDGEFW_RECEIVED, udp(2))->reason, EDGEFW_REASON_RULE);
    EXPECT_EQ(counter(counters(), "two").packets, 0u) << "nothing live is touched";
}

// No file is there any more, and nobody is asked for the addresses of a host.
TEST(Commit, WhatIsInForceIsCompiledAgain) {
    Lab lab;
    ASSERT_TRUE(attach("eth0"));
    const auto none = kernel::sources_in_force("eth0");
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_EQ(*none, "");
    const policy::ProfilePath profiles{{EDGEFW_SOURCE_DIR "/profiles"}};
    const std::string text = R"(version: 1
rules:
- {use: theoffice-v1-gateway, as: office, with: {gateway: 10.0.0.5}}
- {name: time, side: external, direction: outbound, protocol: udp, remote: time.example, remote_port: 123, action: pass}
)";
    const auto resolve = [](policy::Policy& policy) -> Result<Ok> {
        policy.hosts.front().addresses = {*Address::parse("192.0.2.123")};
        return Ok{};
    };
    const auto built = engine::build({"p.yaml", text}, {profiles, resolve});
    ASSERT_TRUE(built) << built.error().message;
    ASSERT_TRUE(kernel::push(built->compiled, {}));

    const auto kept = kernel::sources_in_force({});
    ASSERT_TRUE(kept) << kept.error().message;
    const auto sources = document::read_sources(*kept);
    ASSERT_TRUE(sources) << sources.error().message;
    EXPECT_EQ(sources->text, text);
    const auto hosts = kernel::hosts_in_force();
    ASSERT_TRUE(hosts && hosts->size() == 1);
    const auto again = engine::build_again(*sources, image::parse_hosts(hosts->front().text)->hosts);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->compiled.image.to_text(), built->compiled.image.to_text());
    EXPECT_EQ(again->compiled.document, built->compiled.document);
    EXPECT_EQ(again->compiled.digest, built->compiled.digest);
    EXPECT_EQ(again->compiled.sources, *kept);
    // The number is written in by who reads it.
    EXPECT_EQ(*kernel::document_in_force({}), document::with_generation(built->compiled.document, 1));
    ASSERT_TRUE(kernel::push(built->compiled, {}));
    EXPECT_EQ(*kernel::document_in_force({}), document::with_generation(built->compiled.document, 2));
}

}  // namespace
}  // namespace edgefw::test
