// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/cost_warning.h"

#include <gtest/gtest.h>

#include "userspace/engine/build.h"

namespace edgefw::engine {
namespace {

// So many rules, each with a third of the ports and of the addresses on both ends.
std::string overlapping(int count) {
    std::string text = "version: 1\nrules:\n";
    std::uint32_t state = 7;
    const auto range = [&](std::uint32_t most) {
        state = state * 1664525 + 1013904223;
        const auto low = static_cast<std::uint32_t>(std::uint64_t{state} * (most / 3 * 2) >> 32);
        return std::pair(low, low + most / 3);
    };
    const auto addresses = [&](const char* key) {
        const auto [low, high] = range(250);
        return std::string(key) + ": 10." + std::to_string(low) + ".0.0-10." + std::to_string(high) + ".255.255, ";
    };
    const auto ports = [&](const char* key) {
        const auto [low, high] = range(65000);
        return std::string(key) + ": " + std::to_string(low) + "-" + std::to_string(high) + ", ";
    };
    for (int rule = 0; rule < count; ++rule) {
        text += "- {name: rule-" + std::to_string(rule) + ", side: external, direction: inbound, protocol: tcp, " +
                addresses("local") + addresses("remote") + ports("local_port") + ports("remote_port") +
                "action: pass}\n";
    }
    return text;
}

TEST(CostWarning, SaysWhatIsSlowAndWhy) {
    std::vector<std::string> said;
    World world;
    world.resolve = [](policy::Policy&) -> Result<Ok> { return Ok{}; };
    world.warn = [&](const std::string& line) { said.push_back(line); };
    const Result<Built> built = build({"p", overlapping(600)}, world);
    ASSERT_TRUE(built) << built.error().message;
    ASSERT_FALSE(said.empty());
    EXPECT_EQ(said, built->policy.warnings);
    const std::string& line = said.front();
    EXPECT_TRUE(line.starts_with("p:")) << line;
    EXPECT_NE(line.find(": this policy costs up to "), std::string::npos) << line;
    EXPECT_NE(line.find(" ns a packet (external, received, IPv4), because "), std::string::npos) << line;
    EXPECT_NE(line.find(" overlap so that no tree parts them"), std::string::npos) << line;
    EXPECT_NE(line.find(" rules, from rule-"), std::string::npos) << line;
    EXPECT_NE(line.find(" to rule-"), std::string::npos) << line;
}

TEST(CostWarning, IsSilentOfUsualPolicies) {
    image::Shape shape;
    shape.forests[0][0][0] = {6, 40, 30, 40, kSlowNanoseconds, 20, "x"};
    EXPECT_TRUE(cost_warnings({}, shape).empty());
    shape.forests[0][0][0].nanoseconds = kSlowNanoseconds + 1;
    policy::Policy policy;
    policy.file = "p";
    EXPECT_EQ(
        cost_warnings(policy, shape),
        std::vector<std::string>{"p: this policy costs up to 1001 ns a packet (external, received, IPv4), because "
                                 "its rules take 6 trees of 40 levels together"});
    shape.forests[0][0][0].groups = 1;
    EXPECT_TRUE(cost_warnings(policy, shape)[0].ends_with("its rules take 1 tree of 40 levels together"));
    shape.forests[0][0][0].alike = 84;
    shape.forests[0][0][0].rule.clear();  // what the other direction's rules open
    EXPECT_TRUE(cost_warnings(policy, shape)[0].ends_with(
        "because 84 cases of the other direction's rules overlap so that no tree parts them; join networks or ranges "
        "that are used alike (docs/classifier.md)"));
}

}  // namespace
}  // namespace edgefw::engine
