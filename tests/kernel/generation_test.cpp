// SPDX-License-Identifier: GPL-2.0-only
// generation: the maps of one policy, pinned and found again; and what is kept beside them.
#include "userspace/kernel/generation.h"
#include "userspace/image/config.h"
#include "userspace/image/plan.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/pins.h"

namespace edgefw::test {
namespace {

using kernel::Generation;

const char* const kPolicy = R"(
timeouts: {udp-one-way: 7}
sets: {friends: [198.51.100.0/24, '2001:db8:7::7']}
nat:
- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5}
rules:
- {name: web, side: external, protocol: tcp, local_port: 443, remote: $friends, action: pass}
- {name: dns, side: internal, protocol: udp, local_port: 53, action: pass}
)";

image::Image image_of(const std::string& lines) {
    image::Image image = compiled(lines).image;
    EXPECT_TRUE(image::assign_slots(image, {}));
    return image;
}

TEST(Generation, FoundAgainAsItWasPinned) {
    const Lab lab;
    const std::string document(100000, 'd');  // longer than one element holds
    const auto made = Generation::create(image_of(kPolicy), document, 7);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(made->pin("/sys/fs/bpf/generation_7"));
    const auto found = Generation::open("/sys/fs/bpf/generation_7");
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_TRUE(found->document());
    EXPECT_EQ(*found->document(), document);
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        const auto before = made->config(side);
        const auto after = found->config(side);
        ASSERT_TRUE(before && after);
        EXPECT_EQ(std::memcmp(&*before, &*after, sizeof(*before)), 0);
        EXPECT_EQ(after->generation, 7u);
        EXPECT_EQ(after->side, static_cast<std::uint32_t>(side));
        EXPECT_EQ(after->timeout[EDGEFW_STATE_UDP_ONE_WAY], kernel::jiffies_of(7));
    }
    const auto forwards = found->forwards();
    ASSERT_TRUE(forwards);
    ASSERT_EQ(forwards->size(), 1u);
    EXPECT_EQ(forwards->front().flags, EDGEFW_FORWARD_USED | EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL) | EDGEFW_FORWARD_OPENS);
    EXPECT_EQ(found->bindings().size(), 9u);
}

TEST(Generation, NotThere) {
    const Lab lab;
    EXPECT_FALSE(Generation::open("/sys/fs/bpf/generation_1"));
}

// Where something is in the way, nothing is left behind.
TEST(Generation, PinsAllOrNothing) {
    const Lab lab;
    const std::string directory = "/sys/fs/bpf/generation_1";
    ASSERT_TRUE(kernel::make_directory(directory));
    const auto obstacle = kernel::Map::create({"obstacle", 2 /* array */, 4, 4, 1});
    ASSERT_TRUE(obstacle);
    ASSERT_TRUE(obstacle->pin(directory + "/document"));
    const auto made = Generation::create(image_of(kPolicy), "{}", 1);
    ASSERT_TRUE(made);
    EXPECT_FALSE(made->pin(directory));
    EXPECT_FALSE(kernel::is_pinned(directory));
}

TEST(Generation, SlotsNeeded) {
    const image::Slots slots = {{"a", 1024}, {"b", 1025}, {"n", 32}};
    EXPECT_EQ(Generation::slots_needed(slots), 1026u);
    EXPECT_EQ(Generation::slots_needed(image::Slots{}), 1024u);
    document::Listing listing{{{"a"}, {"b"}}, {{"n"}}};
    EXPECT_EQ(Generation::slots_needed(listing), 1024u);
    listing.set_slots(slots);
    EXPECT_EQ(Generation::slots_needed(listing), 1026u);
}

// What `status` and counters need of a generation lies apart from its document.
TEST(Generation, KeepsItsListingAndItsSummary) {
    const Lab lab;
    kernel::Compiled policy = compiled(kPolicy);
    policy.digest = "d1";
    policy.listing.set_slots({{"web", 1024}, {"dns", 1025}, {"map", 32}});
    const kernel::Summary summary = kernel::summarise(policy);
    const auto made = Generation::create(
        image_of(kPolicy), {policy.document, policy.listing.to_text(), summary.to_text(), "made of this"}, 7);
    ASSERT_TRUE(made) << made.error().message;
    const auto listing = made->listing();
    ASSERT_TRUE(listing) << listing.error().message;
    EXPECT_EQ(listing->slots(), policy.listing.slots());
    EXPECT_EQ(*made->sources(), "made of this");
    const auto found = made->summary();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->digest, "d1");
    EXPECT_EQ(found->rules[EDGEFW_EXTERNAL], 1u);
    EXPECT_EQ(found->rules[EDGEFW_INTERNAL], 1u);
    EXPECT_TRUE(found->drops[EDGEFW_EXTERNAL] && found->drops[EDGEFW_INTERNAL]);
    EXPECT_EQ(found->shape, policy.image.shape);
    EXPECT_NE(made->listing_id(), 0u);
}

TEST(Summary, KnowsASideWithoutRules) {
    const auto summary = [](const std::string& lines) { return kernel::summarise(compiled(lines)); };
    const char* const one = "rules:\n- {name: web, side: external, protocol: tcp, local_port: 443, action: pass}\n";
    EXPECT_FALSE(summary(one).is_without_rules(policy::Side::kExternal));
    EXPECT_TRUE(summary(one).is_without_rules(policy::Side::kInternal));
    const kernel::Summary passes = summary(std::string("default: {internal: pass}\n") + one);
    EXPECT_FALSE(passes.is_without_rules(policy::Side::kInternal)) << "what it gets passes";
    const kernel::Summary half = summary(std::string("default: {internal: {inbound: pass, outbound: drop}}\n") + one);
    EXPECT_TRUE(half.is_without_rules(policy::Side::kInternal));
    EXPECT_FALSE(summary("").is_without_rules(policy::Side::kInternal)) << "a policy without any rules means it";
}

TEST(Summary, WhatIsNotReadableIsAnError) {
    EXPECT_EQ(kernel::read_summary("")->digest, "");
    for (const char* text :
         {"{", "[]", "{}", R"({"digest": 1})", R"({"digest": "d", "rules": [1], "drops": [true]})"}) {
        const auto read = kernel::read_summary(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message,
                  "the summary kept with the policy in force is not readable: push the policy again");
    }
}

TEST(Generation, NamesAVlan) {
    EXPECT_FALSE(image::names_a_vlan(image_of(kPolicy)));
    EXPECT_TRUE(image::names_a_vlan(image_of("rules:\n- {name: v, side: internal, vlan: 7, action: pass}\n")));
}

TEST(Generation, Jiffies) {
    const std::uint32_t second = kernel::jiffies_of(1);
    EXPECT_GE(second, 100u);
    EXPECT_LE(second, 1000u);
    EXPECT_EQ(kernel::jiffies_of(60), 60 * second);
    EXPECT_EQ(kernel::jiffies_of(0), 1u);
    EXPECT_EQ(kernel::jiffies_of(0xffffffff), 0x7fffffffu);
}

// What a packet noted after the clock was read is no age of the world.
TEST(Generation, JiffiesSince) {
    const std::uint32_t second = kernel::jiffies_of(1);
    EXPECT_EQ(kernel::jiffies_since(1000, 1000), 0u);
    EXPECT_EQ(kernel::jiffies_since(1000, 1000 + second), second);
    EXPECT_EQ(kernel::jiffies_since(1001, 1000), 0u);
    EXPECT_EQ(kernel::jiffies_since(1000 + 60 * second, 1000), 0u);
    EXPECT_EQ(kernel::jiffies_since(0x10, 0x1'0000'0010), 0x1'0000'0000u) << "50 days at 1000 a second";
    EXPECT_EQ(kernel::jiffies_since(1000, 1000 + 86400 * second), 86400 * second);
}

}  // namespace
}  // namespace edgefw::test
