// SPDX-License-Identifier: GPL-2.0-only
// generation: the maps of one policy, pinned and found again; and what is kept beside them.
#include "userspace/kernel/generation.h"
#include "userspace/document/document.h"
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
    EXPECT_EQ(forwards->front().flags, EDGEFW_FORWARD_USED | EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL));
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

TEST(Generation, DocumentWithSlots) {
    const std::string document = R"({"rules":[{"id":"a"},{"id":"b"}],"nat":[{"id":"n"}]})";
    const image::Slots slots = {{"a", 1024}, {"b", 1025}, {"n", 32}};
    const std::string with = document::with_slots(document, slots, 3);
    EXPECT_EQ(
        with,
        R"({"rules":[{"id":"a","slot":1024},{"id":"b","slot":1025}],"nat":[{"id":"n","slot":32}],"generation":3})");
    EXPECT_EQ(document::slots_of(with), slots);
    EXPECT_TRUE(document::slots_of(document).empty());
    EXPECT_TRUE(document::slots_of("no json").empty());
    EXPECT_EQ(Generation::slots_needed(slots), 1026u);
    EXPECT_EQ(Generation::slots_needed({}), 1024u);
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
