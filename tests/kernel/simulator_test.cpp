// SPDX-License-Identifier: GPL-2.0-only
// The data path in user space against the programs in the kernel: the same policies, frames and tables, and every
// judgement and every byte that leaves alike. EDGEFW_SEED makes another run, EDGEFW_POLICIES a longer one.
#include "userspace/simulator/judge.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/kernel/test_run.h"
#include "tests/support/random_story.h"
#include "tests/support/story_frame.h"
#include "userspace/engine/build.h"
#include "userspace/engine/policy_tests.h"
#include "userspace/image/compile.h"
#include "userspace/kernel/door.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/reasons.h"
#include "userspace/profile/sample.h"

namespace edgefw::test {
namespace {

using policy::Policy;
using policy::Side;

constexpr std::uint32_t kConnections = 1024;
constexpr std::size_t kPackets = 600;

std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

std::string text_of(const Result<kernel::Judgement>& judgement) {
    if (!judgement) return judgement.error().message;
    std::string text = engine::outcome_text(*judgement);
    if (!judgement->nat.empty())
        text += " via " + judgement->nat + " to " + judgement->local.to_text() + ":" +
                std::to_string(judgement->local_port);
    return text;
}

std::string hex(const Bytes& frame) {
    std::string text;
    char two[3];
    for (const std::uint8_t byte : frame) {
        std::snprintf(two, sizeof(two), "%02x", byte);
        text += two;
    }
    return text;
}

policy::Masquerade masquerade(Side side) {
    policy::Masquerade entry;
    entry.id = "masquerade";
    entry.side = side;
    entry.from = {{{Family::kIpv4, 0x0a000010}, {Family::kIpv4, 0x0a00001f}}};
    entry.public_address = {Family::kIpv4, 0x0a000005};
    entry.ports = {1, 60000};
    return entry;
}

policy::Forward forward(Side side, std::uint32_t number, bool is_static) {
    policy::Forward entry;
    entry.id = "forward-" + std::to_string(number);
    entry.protocol = number % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP;
    entry.public_address = {Family::kIpv4, 0x0a000000 + number};
    entry.target = {Family::kIpv4, 0x0a000020 + number};
    entry.sides = policy::bit_of(side);
    if (is_static) {
        entry.kind = policy::NatKind::kStatic;
        entry.ports = 0;
    } else {
        entry.public_port = static_cast<std::uint16_t>(1 + number);
        entry.target_port = 2;
    }
    return entry;
}

Policy random_policy(RandomPolicy& random, std::mt19937& dice, Side side) {
    Policy policy = random.policy(1 + dice() % 20);
    if (dice() % 3 != 0) {
        policy.forwards = {forward(side, 0, false), forward(side, 1, false), forward(side, 3, true)};
        policy.masquerades = {masquerade(side)};
        policy::Rule rule;
        rule.id = "nat";
        rule.side = side;
        rule.direction = policy::Direction::kBoth;
        rule.action = policy::Action::kPass;
        policy.rules.insert(policy.rules.begin() + static_cast<long>(dice() % policy.rules.size()), rule);
    }
    if (dice() % 2 == 0) policy.builtins = (1u << EDGEFW_BUILTIN_COUNT) - 1;
    return policy;
}

// A frame as it was sent, or with bytes turned and its end cut off.
Bytes damaged(Bytes frame, std::mt19937& dice) {
    if (dice() % 4 != 0) return frame;
    for (std::uint32_t left = dice() % 4; left > 0; left--)
        frame[12 + dice() % (std::min<std::size_t>(frame.size(), 74) - 12)] = static_cast<std::uint8_t>(dice());
    if (dice() % 3 == 0) frame.resize(14 + dice() % (frame.size() - 13));
    return frame;
}

TEST(Simulator, JudgesAsTheKernel) {
    const std::uint32_t seed = from_environment("EDGEFW_SEED", 1);
    std::map<std::string, std::size_t> reasons;
    std::size_t translated = 0;
    for (std::uint32_t i = seed; i < seed + from_environment("EDGEFW_POLICIES", 20); i++) {
        std::mt19937 dice(i);
        RandomPolicy random(i);
        RandomStory story(i, random);
        const Side side = i % 2 == 0 ? Side::kExternal : Side::kInternal;
        const Policy policy = random_policy(random, dice, side);
        const auto image = image::compile(policy);
        ASSERT_TRUE(image) << image.error().message;
        const kernel::Compiled compiled{*image, "{}", "", "", {}};
        auto real = kernel::Judge::of(compiled, kConnections);
        auto simulated = simulator::Judge::of(compiled, kConnections);
        ASSERT_TRUE(real) << real.error().message;
        ASSERT_TRUE(simulated) << simulated.error().message;
        for (std::size_t n = 0; n < kPackets; n++) {
            Sample sample = story.next(policy);
            sample.packet.side = side;
            const Bytes frame = damaged(frame_of_sample(sample), dice);
            const auto wanted = real->judge(side, sample.packet.hook(), frame, true);
            if (!wanted) continue;  // no test run takes it
            const auto got = simulated->judge(side, sample.packet.hook(), frame, true);
            ASSERT_EQ(text_of(got), text_of(wanted))
                << "seed " << i << ", packet " << n << ": " << sample.packet.to_text() << "\n"
                << hex(frame);
            ASSERT_EQ(hex(got->frame), hex(wanted->frame))
                << "seed " << i << ", packet " << n << ": " << sample.packet.to_text() << "\n"
                << hex(frame);
            reasons[policy::to_text(wanted->reason)]++;
            translated += got->frame != frame ? 1 : 0;
            if (wanted->verdict == policy::Action::kPass && frame == frame_of_sample(sample)) {
                story.left(packet::with_ends_of(sample.packet, wanted->frame));
            }
        }
    }
    // The stories were told: their ends were reached.
    for (const char* reason : {"rule", "default", "connection", "fragment", "malformed-ipv4"})
        EXPECT_GT(reasons[reason], 0u) << reason;
    EXPECT_GT(translated, 100u);
}

// Instances share nothing: what one has opened, no other one knows.
TEST(Simulator, KeepsPoliciesAndSidesApart) {
    const auto web = compiled(
        "rules:\n- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, "
        "action: pass}\n");
    auto one = simulator::Judge::of(web);
    auto other = simulator::Judge::of(web);
    ASSERT_TRUE(one && other);
    const Bytes syn = frame(Ethernet{}, Ipv4{.destination = "192.0.2.20"}, Tcp{.destination_port = 443});
    const Bytes answer = frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                               Tcp{.source_port = 443, .destination_port = 40000, .flags = kSyn | kAck});
    EXPECT_EQ(text_of(one->judge(Side::kExternal, EDGEFW_RECEIVED, syn)), "pass, rule web, reason rule");
    EXPECT_EQ(text_of(other->judge(Side::kExternal, EDGEFW_SENT, answer)), "drop, reason default");
    EXPECT_EQ(text_of(one->judge(Side::kInternal, EDGEFW_SENT, answer)), "drop, reason default");
    EXPECT_EQ(text_of(one->judge(Side::kExternal, EDGEFW_SENT, answer)), "pass, rule web, reason connection");
    ASSERT_TRUE(one->forget());
    EXPECT_EQ(text_of(one->judge(Side::kExternal, EDGEFW_SENT, answer)), "drop, reason default");
}

// What no test run takes.
TEST(Simulator, JudgesFramesOfAnyLength) {
    auto judge = simulator::Judge::of(compiled("rules: []\n"));
    ASSERT_TRUE(judge);
    EXPECT_EQ(text_of(judge->judge(Side::kExternal, EDGEFW_SENT, {})), "drop, reason malformed-ethernet");
    const Bytes jumbo = frame(Ethernet{}, Ipv4{}, Udp{1, 2}, payload(8000));
    EXPECT_EQ(text_of(judge->judge(Side::kExternal, EDGEFW_SENT, jumbo)), "drop, reason default");
}

// Many addresses in sets, so that classes are looked up: in hashes and in tries. No two are neighbours, which would be
// one prefix of another length.
TEST(Simulator, LooksUpClasses) {
    std::string few = "sets:\n  bad: [", many = "sets:\n  bad: [";
    for (int i = 0; i < 40; i++)
        few += "10.9." + std::to_string(2 * i) + ".0/24, 2001:db8:" + std::to_string(2 * i) + "::/48, ";
    for (int i = 0; i < 60; i++)
        many += "10." + std::to_string(i) + ".0.0/" + std::to_string(16 + i % 17) + ", 2001:db8:" + std::to_string(i) +
                "::/" + std::to_string(48 + i) + ", ";
    const std::string rules =
        "192.0.2.1]\nrules:\n- {name: bad, side: external, remote: $bad, action: drop}\n"
        "- {name: all, side: external, direction: inbound, action: pass}\n";
    for (const std::string& sets : {few, many}) {
        const auto policy = compiled(sets + rules);
        EXPECT_EQ(policy.image.config[EDGEFW_EXTERNAL].class_table[EDGEFW_IPV4],
                  sets == few ? EDGEFW_CLASSES_HASH : EDGEFW_CLASSES_TRIE);
        auto real = kernel::Judge::of(policy, kConnections);
        auto simulated = simulator::Judge::of(policy, kConnections);
        ASSERT_TRUE(real && simulated);
        std::size_t bad = 0;
        for (int i = 0; i < 400; i++) {
            const std::string source = i % 2 == 0 ? "10." + std::to_string(i % 80) + "." + std::to_string(i % 3) + ".1"
                                                  : "10.9." + std::to_string(i % 50) + ".7";
            const Bytes syn =
                frame(Ethernet{}, Ipv4{.source = source}, Tcp{.source_port = static_cast<std::uint16_t>(i + 1)});
            const Bytes syn6 = frame(Ethernet{}, Ipv6{.source = "2001:db8:" + std::to_string(i % 70) + "::1"},
                                     Tcp{.source_port = static_cast<std::uint16_t>(i + 1)});
            for (const Bytes& each : {syn, syn6}) {
                const auto wanted = text_of(real->judge(Side::kExternal, EDGEFW_RECEIVED, each));
                ASSERT_EQ(text_of(simulated->judge(Side::kExternal, EDGEFW_RECEIVED, each)), wanted);
                bad += wanted == "drop, rule bad, reason rule" ? 1 : 0;
            }
        }
        EXPECT_GT(bad, 100u);
    }
}

// The tests of policies that use the shipped profiles.
TEST(Simulator, JudgesTheTestsOfProfiles) {
    std::size_t tests = 0;
    policy::ProfilePath profiles;
    profiles.folders = {std::string(EDGEFW_SOURCE_DIR) + "/profiles"};
    for (const auto& file : std::filesystem::directory_iterator(std::string(EDGEFW_SOURCE_DIR) + "/tests/profiles")) {
        const auto built = engine::build({file.path().string()}, {profiles, [](Policy& policy) -> Result<Ok> {
                                                                      policy::give_sample_addresses(policy.hosts);
                                                                      return Ok{};
                                                                  }});
        ASSERT_TRUE(built) << built.error().message;
        auto judge = simulator::Judge::of(built->compiled);
        ASSERT_TRUE(judge);
        const auto done = engine::run_tests(built->policy.tests, [&](const packet::Packet& packet) {
            return judge->judge(packet.side, packet.hook(), packet::frame(packet));
        });
        EXPECT_TRUE(done) << done.error().message;
        tests += built->policy.tests.size();
    }
    EXPECT_GT(tests, 500u);
}

}  // namespace
}  // namespace edgefw::test
