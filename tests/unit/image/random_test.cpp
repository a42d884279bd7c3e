// SPDX-License-Identifier: GPL-2.0-only
// Compiler against oracle: random policies, packets at the corners of their rules.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/oracle.h"
#include "tests/support/random_policy.h"
#include "tests/support/walk.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"

namespace edgefw::test {
namespace {

// EDGEFW_SEED repeats a run, EDGEFW_POLICIES makes a longer one.
std::uint32_t from_environment(const char* name, std::uint32_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

// What the oracle would say, from the image.
Verdict verdict_of(const image::Image& image, const packet::Packet& packet) {
    const Walk found = walk(image, packet);
    const edgefw_config& config = image.config[static_cast<int>(packet.side)];
    const std::uint32_t outcome = found.rule ? found.outcome : config.default_outcome[packet.hook()];
    Verdict verdict;
    verdict.reason = found.rule ? EDGEFW_REASON_RULE : EDGEFW_REASON_DEFAULT;
    if (found.rule) verdict.rule = image.rule_ids[*found.rule];
    if ((outcome & EDGEFW_OUTCOME_PASS) != 0) verdict.action = policy::Action::kPass;
    return verdict;
}

void compare(std::uint32_t seed, std::size_t rules, int packets) {
    RandomPolicy random(seed);
    const policy::Policy policy = random.policy(rules);
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image) << "seed " << seed << ": " << image.error().message;
    Oracle oracle(policy);
    for (int i = 0; i < packets; ++i) {
        const packet::Packet packet = random.packet(policy);
        oracle.forget();
        Verdict expected = oracle.judge(packet);
        expected.opened = false;  // a matter of the outcome's KEEP, see KeepsWhatTheOracleOpens
        if (expected.reason == EDGEFW_REASON_ICMP_UNRELATED) expected.reason = EDGEFW_REASON_DEFAULT;  // as above
        const Verdict found = verdict_of(*image, packet);
        ASSERT_EQ(found.to_text(), expected.to_text())
            << "EDGEFW_SEED=" << seed << ", " << rules << " rules: " << packet.to_text();
    }
}

TEST(Random, SmallPolicies) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    const std::uint32_t policies = from_environment("EDGEFW_POLICIES", 300);
    for (std::uint32_t i = 0; i < policies && !HasFatalFailure(); ++i)
        compare(first + i, 1 + (first + i) % 40, 200);
}

TEST(Random, LargePolicies) {
    const std::uint32_t first = from_environment("EDGEFW_SEED", 1);
    for (std::uint32_t i = 0; i < 3 && !HasFatalFailure(); ++i)
        compare(first + i, 400, 500);
}

TEST(Random, KeepsWhatTheOracleOpens) {
    RandomPolicy random(from_environment("EDGEFW_SEED", 1));
    int opened = 0;
    for (int i = 0; i < 20; ++i) {
        const policy::Policy policy = random.policy(12);
        const Result<image::Image> image = image::compile(policy);
        ASSERT_TRUE(image);
        Oracle oracle(policy);
        for (int j = 0; j < 100; ++j) {
            const packet::Packet packet = random.packet(policy);
            oracle.forget();
            if (!oracle.judge(packet).opened) continue;
            ++opened;
            const Walk found = walk(*image, packet);
            const edgefw_config& config = image->config[static_cast<int>(packet.side)];
            const std::uint32_t outcome = found.rule ? found.outcome : config.default_outcome[packet.hook()];
            const auto family = static_cast<int>(packet.source.family);
            EXPECT_TRUE(outcome & EDGEFW_OUTCOME_KEEP) << packet.to_text();
            EXPECT_TRUE(config.forest[packet.hook()][family].uses & EDGEFW_USES_KEEP);
            EXPECT_TRUE(config.keeps_state);
        }
    }
    EXPECT_GT(opened, 100);
}

}  // namespace
}  // namespace edgefw::test
