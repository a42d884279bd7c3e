// SPDX-License-Identifier: GPL-2.0-only
// Differences against the oracle, and against the images of both policies in the simulator: exactly the packets of the
// areas change, and from and to what is said.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "tests/support/oracle.h"
#include "tests/support/random_policy.h"
#include "userspace/difference/difference.h"
#include "userspace/engine/replay.h"
#include "userspace/image/compile.h"
#include "userspace/simulator/judge.h"

namespace edgefw::test {
namespace {

using difference::Changed;
using difference::Exact;
using difference::Judged;
using difference::Kind;

constexpr std::uint16_t kFirstPublicPort = 2000;

// EDGEFW_SEED repeats a run, EDGEFW_POLICIES makes a longer one.
std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

// What the oracle says of a packet of no connection, and how it leaves.
struct Answer {
    policy::Action action = policy::Action::kDrop;
    std::string rule;
    bool opened = false;
    std::string nat;  // of what passes
    std::string left;
};

Verdict judge(Oracle& oracle, const packet::Packet& packet) {
    Verdict verdict;
    // A masquerade's first port, or, where the port's parity is to stay, the one behind it: the data path chooses.
    for (std::uint16_t port = kFirstPublicPort; port < kFirstPublicPort + 2; ++port) {
        oracle.forget();
        verdict = oracle.judge(Sample{.packet = packet, .allotted = port});
        if (verdict.reason != EDGEFW_REASON_TRANSLATE_FAILED) break;
    }
    return verdict;
}

Answer answer_of(Oracle& oracle, const packet::Packet& packet) {
    const Verdict verdict = packet.ethertype ? oracle.judge(OtherFrame{.side = packet.side,
                                                                       .direction = packet.direction,
                                                                       .ethertype = *packet.ethertype,
                                                                       .vlan = packet.vlan})
                                             : judge(oracle, packet);
    Answer answer{verdict.action, verdict.rule, verdict.opened, "", ""};
    if (verdict.action == policy::Action::kDrop) return answer;
    answer.nat = verdict.nat;
    if (!verdict.nat.empty()) answer.left = oracle.left().to_text();
    return answer;
}

const Changed* change_of(const Exact& exact, const packet::Packet& packet) {
    const Changed* found = nullptr;
    for (const Changed& changed : exact.changed) {
        for (const difference::Area& area : changed.areas) {
            if (!area.contains(packet)) continue;
            EXPECT_EQ(found, nullptr) << packet.to_text() << " is in two boxes, one of them " << area.to_text();
            found = &changed;
        }
    }
    return found;
}

// `renamed`: rules of the one policy and what they are called in the other.
void check(const std::map<std::string, std::string>& renamed, Oracle& old_oracle, Oracle& new_oracle,
           const Exact& exact, const packet::Packet& packet, int& changes) {
    const Answer was = answer_of(old_oracle, packet), is = answer_of(new_oracle, packet);
    const auto name = renamed.find(was.rule);
    const std::string same = name == renamed.end() ? was.rule : name->second;
    // A packet that NAT by ports refuses counts as dropped by the rule that would pass it.
    const bool differs = was.action != is.action || same != is.rule || was.opened != is.opened || was.left != is.left;
    const Changed* changed = change_of(exact, packet);
    // No box can leave out each packet that is from its own destination.
    if (packet.source == packet.destination && !differs && was.rule == "builtin/martian") return;
    ASSERT_EQ(changed != nullptr, differs) << packet.to_text() << ": " << was.rule << " " << policy::to_text(was.action)
                                           << " -> " << is.rule << " " << policy::to_text(is.action);
    if (changed == nullptr) return;
    ++changes;
    EXPECT_EQ(changed->from.rule, was.rule) << packet.to_text();
    EXPECT_EQ(changed->to.rule, is.rule) << packet.to_text();
    EXPECT_EQ(changed->from.verdict, was.action) << packet.to_text();
    EXPECT_EQ(changed->to.verdict, is.action) << packet.to_text();
    EXPECT_EQ(changed->from.nat, was.nat) << packet.to_text();
    EXPECT_EQ(changed->to.nat, is.nat) << packet.to_text();
    if (changed->kind == Kind::kState) {
        EXPECT_EQ(changed->from.keeps, was.opened) << packet.to_text();
        EXPECT_EQ(changed->to.keeps, is.opened) << packet.to_text();
    }
}

void compare(std::uint32_t seed, const policy::Policy& before, const policy::Policy& after, int packets,
             RandomPolicy& random, int& changes) {
    SCOPED_TRACE("EDGEFW_SEED=" + std::to_string(seed));
    const Exact exact = difference::compare_exactly(before, after);
    ASSERT_TRUE(exact.is_complete);
    std::map<std::string, std::string> renamed;
    for (const auto& [from, to] : difference::compare(before, after).renamed)
        renamed.emplace(from, to);
    Oracle old_oracle(before), new_oracle(after);
    const auto try_one = [&](const packet::Packet& packet) {
        check(renamed, old_oracle, new_oracle, exact, packet, changes);
    };
    for (int i = 0; i < packets && !testing::Test::HasFailure(); ++i)
        try_one(random.packet(i % 2 == 0 ? before : after));
    for (const Changed& changed : exact.changed) {
        if (!changed.witness || testing::Test::HasFailure()) continue;
        EXPECT_EQ(change_of(exact, *changed.witness), &changed) << changed.witness->to_text();
        try_one(*changed.witness);
    }
}

// A rule or two that are gone, new, moved, or changed in one thing.
policy::Policy edited(policy::Policy policy, RandomPolicy& random, std::mt19937& choose) {
    const policy::Policy other = random.policy(policy.rules.size());
    for (int edits = 1 + static_cast<int>(choose() % 3); edits > 0; --edits) {
        const std::size_t at = choose() % policy.rules.size(), to = choose() % policy.rules.size();
        policy::Rule& rule = policy.rules[at];
        switch (choose() % 8) {
            case 0:
                if (policy.rules.size() == 1) break;
                policy.rules.erase(policy.rules.begin() + static_cast<std::ptrdiff_t>(at));
                break;
            case 1: {
                policy::Rule added = other.rules[at % other.rules.size()];
                added.id += "-added-" + std::to_string(edits);
                added.local.sets.clear();
                added.remote.sets.clear();
                policy.rules.insert(policy.rules.begin() + static_cast<std::ptrdiff_t>(to), added);
                break;
            }
            case 2:
                std::swap(policy.rules[at], policy.rules[to]);
                break;
            case 3:
                rule.action = rule.action == policy::Action::kPass ? policy::Action::kDrop : policy::Action::kPass;
                break;
            case 4:
                rule.remote = other.rules[at % other.rules.size()].remote;
                rule.remote.sets.clear();
                break;
            case 5:
                rule.id += "-renamed-" + std::to_string(edits);
                break;
            case 6:
                if (!policy.sets.empty()) {
                    auto& members = policy.sets[at % policy.sets.size()].members;
                    if (members.size() > 1)
                        members.erase(members.begin() + static_cast<std::ptrdiff_t>(to % members.size()));
                }
                break;
            default:
                policy.defaults[choose() % 2][choose() % 2] =
                    choose() % 2 ? policy::Action::kPass : policy::Action::kDrop;
        }
    }
    return policy;
}

TEST(RandomDifference, OfEditedPolicies) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    const std::uint32_t policies = from_environment("EDGEFW_POLICIES", 150);
    int changes = 0;
    for (std::uint32_t seed = first; seed < first + policies && !HasFailure(); ++seed) {
        RandomPolicy random(seed);
        std::mt19937 choose(seed);
        policy::Policy before = random.policy(1 + seed % 30);
        const policy::Policy after = edited(before, random, choose);
        if (seed % 2 == 0) before.builtins = 0x7ff;
        policy::Policy with_builtins = after;
        with_builtins.builtins = before.builtins;
        compare(seed, before, with_builtins, 100, random, changes);
    }
    EXPECT_GT(changes, 100);
}

TEST(RandomDifference, OfUnrelatedPolicies) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    int changes = 0;
    for (std::uint32_t seed = first; seed < first + 20 && !HasFailure(); ++seed) {
        RandomPolicy random(seed);
        const policy::Policy before = random.policy(1 + seed % 12);
        policy::Policy after = random.policy(1 + seed % 12);
        for (policy::Rule& rule : after.rules)
            rule.id = "new-" + rule.id;
        compare(seed, before, after, 200, random, changes);
    }
    EXPECT_GT(changes, 500);
}

// Entries over the few addresses and ports of RandomPolicy. Masquerades differ in their public address alone, so that
// the oracle's packets leave alike where they are translated alike.
void add_nat(policy::Policy& policy, std::mt19937& choose) {
    const auto address = [&] { return Address{Family::kIpv4, 0x0a000000u + choose() % 64}; };
    policy.forwards.clear();
    policy.masquerades.clear();
    for (unsigned left = choose() % 5; left > 0; --left) {
        policy::Forward forward;
        forward.kind = choose() % 2 ? policy::NatKind::kStatic : policy::NatKind::kPortForward;
        forward.id = "forward-" + std::to_string(left);
        forward.public_address = address();
        forward.target = address();
        forward.sides = static_cast<std::uint8_t>(1 + choose() % 3);
        if (forward.is_static()) {
            forward.ports = 0;
        } else {
            forward.protocol = choose() % 2 ? IPPROTO_TCP : IPPROTO_UDP;
            forward.public_port = static_cast<std::uint16_t>(1 + choose() % 8);  // 0 is a static entry's
            forward.target_port = static_cast<std::uint16_t>(1 + choose() % 8);
            forward.ports = static_cast<std::uint16_t>(1 + choose() % 4);
        }
        policy.forwards.push_back(forward);
    }
    for (unsigned left = choose() % 3; left > 0; --left) {
        policy::Masquerade entry;
        entry.id = "masquerade-" + std::to_string(left);
        entry.side = choose() % 2 ? policy::Side::kExternal : policy::Side::kInternal;
        const Address first = address();
        entry.from = {{first, {Family::kIpv4, first.value + choose() % 40}}};
        if (choose() % 2) entry.to = {{{Family::kIpv4, 0x0a000000}, address()}};
        if (choose() % 2) entry.protocol = IPPROTO_UDP;
        if (entry.protocol && choose() % 2) entry.remote_port = static_cast<std::uint16_t>(choose() % 8);
        entry.public_address = {Family::kIpv4, 0xcb007100u + choose() % 2};
        entry.ports = {kFirstPublicPort, kFirstPublicPort + 100};
        policy.masquerades.push_back(entry);
    }
}

TEST(RandomDifference, OfTranslations) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    const std::uint32_t policies = from_environment("EDGEFW_POLICIES", 150);
    int changes = 0;
    for (std::uint32_t seed = first; seed < first + policies && !HasFailure(); ++seed) {
        RandomPolicy random(seed);
        std::mt19937 choose(seed);
        policy::Policy before = random.policy(1 + seed % 12);
        add_nat(before, choose);
        policy::Policy after = seed % 2 ? edited(before, random, choose) : before;
        if (seed % 3 != 0) add_nat(after, choose);
        compare(seed, before, after, 100, random, changes);
    }
    EXPECT_GT(changes, 500);
}

// What is compiled of a policy, and the data path in user space.
class Compiled {
public:
    explicit Compiled(const policy::Policy& policy) {
        constexpr std::uint32_t kConnections = 16;
        auto image = image::compile(policy);
        EXPECT_TRUE(image) << image.error().message;
        auto judge = simulator::Judge::of({std::move(*image), "{}", "", "", {}}, kConnections);
        EXPECT_TRUE(judge) << judge.error().message;
        judge_.emplace(std::move(*judge));
    }

    // Of no connection.
    Result<kernel::Judgement> judge(const packet::Packet& packet) {
        if (auto done = judge_->forget(); !done) return done.error();
        return judge_->judge(packet.side, packet.hook(), packet::frame(packet));
    }

private:
    std::optional<simulator::Judge> judge_;
};

void expect_judged(const Judged& said, const kernel::Judgement& got, const packet::Packet& packet) {
    EXPECT_EQ(said.verdict, got.verdict) << packet.to_text();
    EXPECT_EQ(said.rule, got.rule) << packet.to_text();
    if (got.verdict == policy::Action::kPass) EXPECT_EQ(said.nat, got.nat) << packet.to_text();
}

// What no box can leave out, and the notation does not tell: packets from their own destination, and those of the link,
// which their hop limit shows.
bool is_said_of_none(const packet::Packet& packet, const kernel::Judgement& was, const kernel::Judgement& is) {
    if (was.rule != is.rule) return false;
    return is.rule == "builtin/nd" || is.rule == "builtin/mld" || is.rule == "builtin/igmp" ||
           (is.rule == "builtin/martian" && packet.source == packet.destination);
}

// A packet's verdict differs if and only if it lies in a box of a change of verdicts; outside of all boxes nothing
// does.
void compare_images(const policy::Policy& before, const policy::Policy& after, int packets, RandomPolicy& random,
                    int& verdicts) {
    const Exact exact = difference::compare_exactly(before, after);
    ASSERT_TRUE(exact.is_complete);
    std::map<std::string, std::string> renamed;
    for (const auto& [from, to] : difference::compare(before, after).renamed)
        renamed.emplace(from, to);
    Compiled old_image(before), new_image(after);
    for (int i = 0; i < packets && !testing::Test::HasFailure(); ++i) {
        const packet::Packet packet = random.packet(i % 2 == 0 ? before : after);
        const auto was = old_image.judge(packet), is = new_image.judge(packet);
        ASSERT_TRUE(was) << was.error().message;
        ASSERT_TRUE(is) << is.error().message;
        const Changed* changed = is_said_of_none(packet, *was, *is) ? nullptr : change_of(exact, packet);
        const bool other_verdict = changed != nullptr && changed->from.verdict != changed->to.verdict;
        ASSERT_EQ(other_verdict, was->verdict != is->verdict) << packet.to_text();
        verdicts += other_verdict;
        if (changed != nullptr) {
            expect_judged(changed->from, *was, packet);
            expect_judged(changed->to, *is, packet);
        } else {
            const auto name = renamed.find(was->rule);
            EXPECT_EQ(name == renamed.end() ? was->rule : name->second, is->rule) << packet.to_text();
        }
    }
}

TEST(RandomDifference, OfWhatImagesDo) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    const std::uint32_t policies = from_environment("EDGEFW_POLICIES", 50);
    constexpr int kPackets = 2000;
    int verdicts = 0;
    for (std::uint32_t seed = first; seed < first + policies && !HasFailure(); ++seed) {
        SCOPED_TRACE("EDGEFW_SEED=" + std::to_string(seed));
        RandomPolicy random(seed);
        std::mt19937 choose(seed);
        policy::Policy before = random.policy(1 + seed % 30);
        if (seed % 2 == 0) before.builtins = 0x7ff;
        if (seed % 3 == 0) add_nat(before, choose);
        policy::Policy after = edited(before, random, choose);
        if (seed % 5 == 0) {
            after = random.policy(1 + seed % 12);
            after.builtins = before.builtins;
            for (policy::Rule& rule : after.rules)
                rule.id = "new-" + rule.id;
        }
        if (seed % 6 == 0) add_nat(after, choose);
        compare_images(before, after, kPackets, random, verdicts);
    }
    EXPECT_GT(verdicts, 1000);
}

// The check of a difference by what judges: of either side, of verdict, rule and entry.
TEST(RandomDifference, AWrongOneIsFound) {
    int wrong = 0;
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
        RandomPolicy random(seed);
        std::mt19937 choose(seed);
        const policy::Policy before = random.policy(1 + seed), after = edited(before, random, choose);
        Compiled old_image(before), new_image(after);
        const auto old_judge = [&](const packet::Packet& packet) { return old_image.judge(packet); };
        const auto new_judge = [&](const packet::Packet& packet) { return new_image.judge(packet); };
        const auto replayed = [&](const difference::Difference& difference) {
            return static_cast<bool>(engine::replay(difference, old_judge, new_judge));
        };
        const difference::Difference right = difference::compare(before, after);
        EXPECT_TRUE(replayed(right)) << seed;
        for (std::size_t i = 0; i < right.changes.size(); ++i) {
            if (!right.changes[i].witness) continue;
            for (Judged difference::Change::*side : {&difference::Change::from, &difference::Change::to}) {
                difference::Difference other = right;
                (other.changes[i].*side).rule += "-";
                EXPECT_FALSE(replayed(other)) << seed;
                other = right;
                auto& verdict = (other.changes[i].*side).verdict;
                verdict = verdict == policy::Action::kPass ? policy::Action::kDrop : policy::Action::kPass;
                EXPECT_FALSE(replayed(other)) << seed;
                wrong += 2;
            }
        }
    }
    EXPECT_GT(wrong, 20);
}

// The same policy, by other names and in another order of rules that have no packet in common.
TEST(RandomDifference, NoneOfTheSame) {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        RandomPolicy random(seed);
        const policy::Policy before = random.policy(30);
        policy::Policy after = before;
        for (policy::Rule& rule : after.rules)
            rule.id = "new-" + rule.id;
        std::stable_partition(after.rules.begin(), after.rules.end(),
                              [](const policy::Rule& rule) { return rule.side == policy::Side::kInternal; });
        EXPECT_TRUE(difference::compare(before, after).is_none()) << seed;
    }
}

}  // namespace
}  // namespace edgefw::test
