// SPDX-License-Identifier: GPL-2.0-only
// The data path against the oracle: random policies, packets at the corners of their rules on both hooks and sides,
// with connections, forwards, fragments and pushes. EDGEFW_SEED makes another run (each failure names its seed),
// EDGEFW_POLICIES and EDGEFW_PACKETS a longer one, EDGEFW_TRACE prints every packet.
#include "tests/support/oracle.h"
#include "userspace/image/compile.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "tests/kernel/test_run.h"
#include "tests/support/random_story.h"
#include "tests/support/story_frame.h"
#include "userspace/kernel/clock.h"
#include "userspace/policy/words.h"

namespace edgefw::test {
namespace {

using packet::Packet;
using policy::Policy;

std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

// The same in every run: a change is not judged by another one's luck.
std::uint32_t first_seed() {
    return from_environment("EDGEFW_SEED", 1);
}

// The local end's port, or an echo's identifier, of a frame that was sent; nothing where it has none.
std::optional<std::uint16_t> local_port_in(const Bytes& frame, const Sample& sample) {
    const Packet& packet = sample.packet;
    const std::size_t transport = (packet.vlan ? 18u : 14u) + 20u;
    const std::size_t at = transport + (packet.protocol == IPPROTO_ICMP ? 4u : 0u);
    if (packet.hook() != EDGEFW_SENT || packet.source.family != Family::kIpv4 || frame.size() < at + 2) return {};
    return static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]);
}

// The opened of a default's connection is counted nowhere: not compared.
std::string text_of(Verdict verdict) {
    if (verdict.rule.empty()) verdict.opened = false;
    if (verdict.reason == EDGEFW_REASON_REVOKED) verdict.nat.clear();
    return verdict.to_text();
}

// The sent hook names the forward only where it translates; a drop leaves as it came.
std::string comparable(const std::string& judged, bool dropped) {
    const auto via = judged.find(" via ");
    return dropped && via != std::string::npos ? judged.substr(0, via) : judged;
}

// What a large policy is in practice: services on hosts of their own, for lists of remote networks.
policy::Rule service(std::uint32_t number, std::mt19937& dice) {
    policy::Rule rule;
    rule.id = "service-" + std::to_string(number);
    rule.side = dice() % 2 == 0 ? policy::Side::kExternal : policy::Side::kInternal;
    rule.direction = static_cast<policy::Direction>(dice() % 3);
    rule.protocol = dice() % 3 == 0 ? IPPROTO_UDP : IPPROTO_TCP;
    const Address host{Family::kIpv4, 0x0a400000 + number * 4};
    rule.local.ranges = {{host, {Family::kIpv4, host.value + dice() % 4}}};
    const auto port = static_cast<std::uint16_t>(1 + dice() % 1000);
    rule.local_port = {{port, static_cast<std::uint16_t>(port + dice() % 3)}};
    std::uint32_t network = dice() % 16;
    for (std::uint32_t left = 1 + dice() % 8; left > 0; left--, network += 2 + dice() % 16) {
        const uint128 first = 0xac100000 + network * uint128{256};
        rule.remote.ranges.push_back({{Family::kIpv4, first}, {Family::kIpv4, first + 255}});
    }
    rule.action = dice() % 4 == 0 ? policy::Action::kDrop : policy::Action::kPass;
    if (rule.action == policy::Action::kDrop || dice() % 2 == 0) rule.state = policy::State::kNone;
    return rule;
}

constexpr std::size_t kMostOverlapping = 40;  // rules of RandomPolicy, which all overlap

class Duel {
public:
    explicit Duel(std::uint32_t seed, std::size_t rules)
        : seed_(seed), rules_(rules), dice_(seed), random_(seed), story_(seed, random_) {}

    // One card a policy: the sides take turns.
    void fight(int pushes, int packets) {
        const auto side = side_;
        TestRun run({.side = side, .at = at_});
        Oracle oracle;
        const std::vector<Prefix> inside = {{*Address::parse("10.1.0.16"), 28},
                                            {*Address::parse("2001:db8:0:1::10"), 124}};
        run.inside(inside);
        oracle.inside(inside);
        std::uint64_t judged = 0;
        Policy first = with_forwards(first_policy());
        if (dice_() % 2 == 0) first.builtins |= 1u << EDGEFW_BUILTIN_MARTIAN;
        // Half of the cards were attached without a policy: what runs is learned, and adopted after the first push.
        const bool learns = dice_() % 2 == 0 && keeps_state(first, side);
        for (int i = 0; learns && i < packets / 4; i++, judged++) {
            compare(run, oracle, story(oracle, first, side));
            if (::testing::Test::HasFailure()) return;
        }
        if (learns) run.adopt_until(kernel::uptime() + 3600);
        oracle.adopt(learns);
        for (int push = 0; push < pushes; push++) {
            const Policy policy = push == 0 ? first : changed(last_);
            last_ = policy;
            run.push(policy);
            oracle.push(policy);
            for (int i = 0; i < packets; i++, judged++) {
                compare(run, oracle, story(oracle, policy, side));
                if (::testing::Test::HasFailure()) return;
            }
            for (int i = 0; i < packets / 16; i++, judged++) {
                compare(run, oracle, other_frame(side));
                if (::testing::Test::HasFailure()) return;
            }
        }
        EXPECT_EQ(run.seen().packets, judged);
        resets_ += run.reason(EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_TCP_SEQUENCE).packets +
                   run.reason(EDGEFW_SENT, EDGEFW_DROP, EDGEFW_REASON_TCP_SEQUENCE).packets;
    }

    // Over all duels: resets that did not fit. They are the end of a long story, and show that it was told.
    static std::uint64_t resets() { return resets_; }
    // Likewise, packets that passed translated by the entry of this name; and that ended for a reason.
    static std::uint64_t passed_by(const std::string& nat) { return passed_by_nat_[nat]; }
    static std::uint64_t ended_by(edgefw_reason reason) { return reasons_[reason]; }
    // Likewise, frames that are not IP which a rule decided.
    static std::uint64_t other_by_rule() { return other_by_rule_; }

private:
    static bool keeps_state(const Policy& policy, policy::Side side) {
        const auto image = image::compile(policy);
        return image && image->config[static_cast<std::size_t>(side)].keeps_state != 0;
    }

    Sample story(Oracle& oracle, const Policy& policy, policy::Side side) {
        for (;;) {
            Sample sample = story_.next(policy);
            sample.packet.side = side;
            if (!oracle.is_left_open(sample)) return sample;
        }
    }

    void compare(TestRun& run, Oracle& oracle, const Sample& sample) {
        const std::string judged = run.judge(sample.packet.hook(), frame_of_sample(sample));
        Sample asked = sample;
        asked.allotted = local_port_in(run.left(), sample);
        const Verdict verdict = oracle.judge(asked);
        const bool dropped = verdict.action == policy::Action::kDrop;
        const std::string where = "EDGEFW_SEED=" + std::to_string(seed_) + ", " + std::to_string(rules_) +
                                  " rules: " + sample.packet.to_text() + ", fragment " +
                                  std::to_string(static_cast<int>(sample.fragment)) + " id " +
                                  std::to_string(sample.fragment_id);
        if (std::getenv("EDGEFW_TRACE")) std::cerr << where << " => " << judged << " | " << verdict.to_text() << "\n";
        ASSERT_EQ(comparable(judged, dropped), comparable(text_of(verdict), dropped)) << where;
        count(verdict);
        if (dropped) return;
        // Every byte of it: what the tests write of the packet as the oracle has it leave, with full checksums.
        asked.packet = oracle.left();
        ASSERT_EQ(run.left(), frame_of_sample(asked)) << where << " should leave as " << oracle.left().to_text();
        story_.left(oracle.left());
    }

    // A frame that is not IP, at the edges of what rules of it name.
    OtherFrame other_frame(policy::Side side) {
        static constexpr std::uint16_t kTypes[] = {0x0000, 0x002e, 0x05ff, 0x0600, 0x88e4, 0x88e5,
                                                   0x88e6, 0x88f7, 0x8863, 0x888e, 0x0806, 0xffff};
        OtherFrame other;
        other.side = side;
        other.direction = dice_() % 2 == 0 ? policy::Direction::kInbound : policy::Direction::kOutbound;
        other.ethertype = kTypes[dice_() % std::size(kTypes)];
        if (dice_() % 2 == 0) other.vlan = static_cast<std::uint16_t>(1 + dice_() % 3);
        return other;
    }

    void compare(TestRun& run, const Oracle& oracle, const OtherFrame& other) {
        std::vector<Layer> layers = {Ethernet{}};
        if (other.vlan)
            layers.emplace_back(Vlan{.id = *other.vlan, .type = other.ethertype});
        else
            layers.front() = Ethernet{.type = other.ethertype};
        layers.emplace_back(payload(46));
        const std::string judged = run.judge(policy::hook_of(other.side, other.direction), frame_of(layers));
        const Verdict verdict = oracle.judge(other);
        ASSERT_EQ(judged, verdict.to_text()) << "EDGEFW_SEED=" << seed_ << ", " << rules_ << " rules: ethertype "
                                             << other.ethertype << " vlan " << other.vlan.value_or(0);
        count(verdict);
        if (verdict.reason == EDGEFW_REASON_RULE) other_by_rule_++;
    }

    static void count(const Verdict& verdict) {
        if (!verdict.nat.empty() && verdict.action == policy::Action::kPass) passed_by_nat_[verdict.nat]++;
        reasons_[verdict.reason]++;
    }

    Policy first_policy() {
        Policy policy = random_.policy(std::min(rules_, kMostOverlapping));
        for (std::size_t number = policy.rules.size(); number < rules_; number++)
            policy.rules.push_back(service(static_cast<std::uint32_t>(number), dice_));
        for (auto left = dice_() % 4; left > 0; left--)
            policy.rules.insert(policy.rules.begin() + static_cast<long>(dice_() % (policy.rules.size() + 1)),
                                rule_of_other_frames(left));
        return policy;
    }

    policy::Rule rule_of_other_frames(std::uint32_t number) {
        policy::Rule rule;
        rule.id = "other-" + std::to_string(number);
        rule.side = dice_() % 4 == 0 ? policy::Side::kInternal : side_;
        rule.direction = static_cast<policy::Direction>(dice_() % 3);
        if (dice_() % 2 == 0) rule.ethertypes.push_back({0, 0x05ff});
        if (dice_() % 2 == 0) rule.ethertypes.push_back({0x88e5, 0x88e5});
        if (rule.ethertypes.empty() || dice_() % 2 == 0) rule.ethertypes.push_back({0x88f7, 0x88f7});
        if (dice_() % 2 == 0) rule.vlan = static_cast<std::uint16_t>(1 + dice_() % 3);
        rule.state = policy::State::kNone;
        rule.action = dice_() % 2 == 0 ? policy::Action::kPass : policy::Action::kDrop;
        return rule;
    }

    // To targets among the addresses and ports of the rules.
    Policy with_forwards(Policy policy) {
        const auto count = dice_() % 4;
        for (std::uint32_t i = 0; i < count; i++) {
            policy::Forward forward;
            forward.id = "forward-" + std::to_string(i);
            forward.protocol = dice_() % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP;
            forward.public_address = {Family::kIpv4, 0x0a000000 + i};
            forward.public_port = static_cast<std::uint16_t>(1 + dice_() % 4);
            forward.target = {Family::kIpv4, 0x0a000020 + dice_() % 2};
            forward.target_port = static_cast<std::uint16_t>(1 + dice_() % 4);
            if (forward.public_port == 1) forward.ports = 3;
            if (dice_() % 4 != 0) forward.sides = bit_of(side_);
            policy.forwards.push_back(forward);
        }
        if (dice_() % 3 == 0) {
            policy::Forward all;
            all.id = "static";
            all.public_address = {Family::kIpv4, 0x0a000004};
            all.target = {Family::kIpv4, 0x0a000020 + dice_() % 4};
            all.kind = policy::NatKind::kStatic;
            all.ports = 0;
            all.sides = bit_of(side_);
            policy.forwards.insert(policy.forwards.begin() + static_cast<long>(dice_() % (policy.forwards.size() + 1)),
                                   all);
        }
        for (auto left = dice_() % 3; left > 0; left--)
            policy.masquerades.push_back(masquerade(left));
        if (dice_() % 2 == 0) policy.rules.insert(policy.rules.begin(), rule_for_nat(policy));
        return policy;
    }

    policy::Rule rule_for_nat(const Policy& policy) {
        policy::Rule rule;
        rule.id = "nat";
        rule.side = side_;
        rule.direction = policy::Direction::kBoth;
        for (const policy::Forward& forward : policy.forwards)
            rule.local.ranges.push_back(AddressRange::single(forward.target));
        for (const policy::Masquerade& entry : policy.masquerades)
            rule.local.ranges.push_back(entry.from[0]);
        rule.state = dice_() % 4 == 0 ? policy::State::kNone : policy::State::kKeep;
        rule.action = policy::Action::kPass;
        return rule;
    }

    // A masquerade of a few hosts, with so few ports that they run out.
    policy::Masquerade masquerade(std::uint32_t number) {
        policy::Masquerade entry;
        entry.id = "masquerade-" + std::to_string(number);
        entry.side = side_;
        const std::uint32_t from = 0x0a000000 + dice_() % 64;
        entry.from = {{{Family::kIpv4, from}, {Family::kIpv4, from + dice_() % 16}}};
        if (dice_() % 2 == 0) entry.to = {{{Family::kIpv4, 0x0a000000}, {Family::kIpv4, 0x0a00001f}}};
        if (dice_() % 4 == 0) entry.protocol = IPPROTO_UDP;
        if (dice_() % 8 == 0) entry.remote_port = 3;
        entry.public_address = {Family::kIpv4, 0x0a000005 + number};
        entry.ports.first = static_cast<std::uint16_t>(1 + dice_() % 3);
        entry.ports.last = static_cast<std::uint16_t>(entry.ports.first + 1 + dice_() % 3);
        entry.keeps_parity = dice_() % 2 == 0;
        return entry;
    }

    // The next policy: some rules go, some turn, their order stays; so that some connections live on.
    Policy changed(Policy policy) {
        const policy::Rule first = policy.rules.front();
        std::erase_if(policy.rules, [&](const policy::Rule&) { return dice_() % 4 == 0; });
        if (policy.rules.empty()) policy.rules.push_back(first);
        for (policy::Rule& rule : policy.rules) {
            if (dice_() % 6 == 0) rule.id += "-renamed";
        }
        // Once: a bucket has room for few retired entries of one public end.
        if (!moved_ && !policy.forwards.empty() && !policy.forwards.back().is_static() && dice_() % 2 == 0) {
            policy.forwards.back().target_port++;
            moved_ = true;
        }
        if (!policy.masquerades.empty() && dice_() % 4 == 0) policy.masquerades.back().ports.first++;
        if (!policy.masquerades.empty() && dice_() % 4 == 0) policy.masquerades.pop_back();
        return policy;
    }

    static inline std::uint64_t resets_ = 0;
    static inline std::map<std::string, std::uint64_t> passed_by_nat_;
    static inline std::map<edgefw_reason, std::uint64_t> reasons_;
    static inline std::uint64_t other_by_rule_ = 0;

    std::uint32_t seed_;
    policy::Side side_ = seed_ % 2 == 0 ? policy::Side::kExternal : policy::Side::kInternal;
    // What is received is judged at XDP and at tc ingress, in turn.
    kernel::ReceivedAt at_ = seed_ / 2 % 2 == 0 ? kernel::ReceivedAt::kXdp : kernel::ReceivedAt::kTcIngress;
    std::size_t rules_;
    std::mt19937 dice_;
    RandomPolicy random_;
    RandomStory story_;
    Policy last_;
    bool moved_ = false;
};

// A share of the policies each, so that they can run side by side.
class OracleShare : public ::testing::TestWithParam<std::uint32_t> {
public:
    static constexpr std::uint32_t kShares = 4;

    static std::uint32_t policies() { return from_environment("EDGEFW_POLICIES", 200) / kShares; }
    static std::uint32_t first() { return first_seed() + GetParam() * policies(); }
};

TEST_P(OracleShare, SmallPolicies) {
    const std::uint32_t seed = first();
    const auto packets = static_cast<int>(from_environment("EDGEFW_PACKETS", 500));
    for (std::uint32_t i = 0; i < policies() && !HasFailure(); i++)
        Duel(seed + i, 1 + (seed + i) % 40).fight(1, packets);
    std::cout << Duel::resets() << " resets did not fit\n";
    EXPECT_GT(Duel::resets(), 0u);
    for (const char* nat : {"forward-0", "static", "masquerade-1", "masquerade-2"}) {
        std::cout << Duel::passed_by(nat) << " passed by " << nat << "\n";
        EXPECT_GT(Duel::passed_by(nat), 0u) << nat;
    }
    for (const edgefw_reason reason :
         {EDGEFW_REASON_NAT_PORTS, EDGEFW_REASON_NAT_COLLISION, EDGEFW_REASON_NAT_UNTRACKED}) {
        std::cout << Duel::ended_by(reason) << " ended by reason " << reason << "\n";
        EXPECT_GT(Duel::ended_by(reason), 0u) << reason;
    }
    std::cout << Duel::other_by_rule() << " frames that are not IP ended by a rule\n";
    EXPECT_GT(Duel::other_by_rule(), 0u);
}

TEST_P(OracleShare, OverPushes) {
    const std::uint32_t seed = first();
    for (std::uint32_t i = 0; i < policies() / 12 && !HasFailure(); i++)
        Duel(seed + i, 1 + (seed + i) % 20).fight(3, 300);
}

INSTANTIATE_TEST_SUITE_P(Kernel, OracleShare, ::testing::Range(0u, OracleShare::kShares));

TEST(Oracle, LargePolicies) {
    const std::uint32_t seed = first_seed();
    for (const std::size_t rules : {300, 1000, 10000}) {
        if (!HasFailure()) Duel(seed, rules).fight(1, 2000);
    }
}

}  // namespace
}  // namespace edgefw::test
