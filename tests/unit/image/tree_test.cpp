// SPDX-License-Identifier: GPL-2.0-only
// The shape of trees: what a walk may cost. Never a time.
#include "userspace/image/tree.h"
#include "userspace/image/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/support/walk.h"
#include "tests/unit/image/policies.h"
#include "userspace/image/image.h"

namespace edgefw::test {
namespace {

using policy::Policy;
using policy::Rule;

Address ipv4(std::uint32_t value) {
    return {Family::kIpv4, value};
}

// Services of distinct hosts, each with a list of one to eight remote prefixes.
Policy distinct_services(std::uint32_t count) {
    std::vector<Rule> rules;
    for (std::uint32_t i = 0; i < count; ++i) {
        Rule rule = tcp_rule("service-" + std::to_string(i));
        rule.local.ranges = {AddressRange::single(ipv4(0x0a000000 + i))};
        const auto port = static_cast<std::uint16_t>(1024 + i % 5000);
        rule.local_port = {{port, port}};
        for (std::uint32_t j = 0; j <= i % 8; ++j) {
            const std::uint32_t network = (0xc0000000 + j * 0x01000000) + (i * 2654435761u >> 8 & 0xffff00);
            rule.remote.ranges.push_back({ipv4(network), ipv4(network + 0xff)});
        }
        rules.push_back(rule);
    }
    return policy_of(std::move(rules));
}

packet::Packet opener(const Rule& rule) {
    packet::Packet packet;
    packet.protocol = IPPROTO_TCP;
    packet.source = rule.remote.any() ? ipv4(0x01020304) : rule.remote.ranges.back().last;
    packet.destination = rule.local.ranges.front().first;
    packet.destination_port = rule.local_port.front().first;
    return packet;
}

TEST(Tree, TenThousandDistinctServices) {
    const Policy policy = distinct_services(10000);
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image) << image.error().message;
    const image::Shape& shape = image->shape;
    EXPECT_EQ(shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].groups, 1u);
    EXPECT_LE(shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].depth, 20u);
    EXPECT_LE(shape.nodes, 4u * 45000);
    EXPECT_LE(shape.insns, 13u * 45000);
    for (std::uint32_t i = 0; i < 10000; i += 7) {
        packet::Packet packet = opener(policy.rules[i]);
        const Walk hit = walk(*image, packet);
        ASSERT_EQ(hit.rule, i);
        EXPECT_LE(hit.levels, 20u);
        EXPECT_LE(hit.steps, 12u);
        packet.destination_port = 9;
        const Walk miss = walk(*image, packet);
        EXPECT_FALSE(miss.rule);
        EXPECT_LE(miss.steps, 6u);
    }
}

TEST(Tree, TenRowsAreShallow) {
    Policy policy = distinct_services(10);
    for (Rule& rule : policy.rules)
        rule.remote = {};
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image);
    EXPECT_LE(image->shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].depth, 6u);
    EXPECT_LE(walk(*image, opener(policy.rules[9])).steps, 7u);
}

// Each rule overlaps all of the other kind: one tree would hold their product, two hold their sum.
TEST(Tree, PartsWhatWouldExplode) {
    std::vector<Rule> rules;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        Rule rule = tcp_rule("rule-" + std::to_string(i));
        const std::vector<AddressRange> host = {AddressRange::single(ipv4(0x0a000000 + i))};
        (i % 2 == 0 ? rule.local : rule.remote).ranges = host;
        rules.push_back(rule);
    }
    const Policy policy = policy_of(std::move(rules));
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].groups, 2u);
    EXPECT_LE(image->shape.nodes, 3u * 2 * 2000);
    packet::Packet packet = packet_of("external inbound tcp 10.0.7.1:9 > 10.0.6.0:80");
    EXPECT_EQ(walk(*image, packet).rule, 1536u);
    packet.source = ipv4(0x0a000003);
    EXPECT_EQ(walk(*image, packet).rule, 3u);
}

TEST(Tree, HiddenRulesAreLeftOut) {
    Rule all = tcp_rule("all");
    all.local_port = {{1, 1000}};
    Rule some = tcp_rule("hidden");
    some.local_port = {{80, 443}};
    const Result<image::Image> image = image::compile(policy_of({all, some}));
    ASSERT_TRUE(image);
    EXPECT_EQ(std::count_if(image->insns.begin(), image->insns.end(),
                            [](const edgefw_insn& test) { return test.kind == EDGEFW_INSN_MATCH && test.low == 1; }),
              0);
}

// Hundreds of rules that differ by their flags alone fit no leaf: they are told apart by the values of the flags byte.
TEST(Tree, ManyFlagRules) {
    std::vector<Rule> rules;
    for (int value = 0; value < 256; ++value) {
        Rule rule = tcp_rule("flags-" + std::to_string(value));
        rule.state = policy::State::kNone;
        rule.tcp_flags = policy::TcpFlags{0xff, static_cast<std::uint8_t>(value)};
        rules.push_back(rule);
    }
    const Result<image::Image> image = image::compile(policy_of(std::move(rules)));
    ASSERT_TRUE(image) << image.error().message;
    packet::Packet packet = packet_of("external inbound tcp 192.0.2.1:9 > 192.0.2.2:80");
    for (unsigned value = 0; value < 256; ++value) {
        packet.tcp_flags = static_cast<std::uint8_t>(value);
        const Walk found = walk(*image, packet);
        EXPECT_EQ(found.rule, value);
        EXPECT_LE(found.longest_run, unsigned{EDGEFW_MAX_LEAF_STEPS});
    }
}

// Port ranges that all overlap in the middle: a tree that took off one at a time would be a thousand levels deep.
TEST(Tree, OverlappingRangesStayShallow) {
    std::vector<Rule> rules;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Rule rule = tcp_rule("rule-" + std::to_string(i));
        const std::uint32_t place = i * 7919 % 1000;
        rule.local_port = {
            {static_cast<std::uint16_t>(20000 - 20 * place), static_cast<std::uint16_t>(30000 + 20 * place)}};
        rules.push_back(rule);
    }
    const Result<image::Image> image = image::compile(policy_of(std::move(rules)));
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_LE(image->shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].depth, 48u);
    EXPECT_EQ(walk(*image, packet_of("external inbound tcp 192.0.2.1:9 > 192.0.2.2:25000")).rule, 0u);
}

// The boxes of a policy's rules, and what a plain search of them finds.
struct Ruleset {
    image::Boxes boxes;
    std::vector<image::Ending> endings;
    std::vector<image::Region> regions;
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_insn> insns;
    image::Forest forest;

    void add(const image::Region& region) {
        const auto number = static_cast<std::uint32_t>(regions.size());
        boxes.add(number, region);
        endings.push_back({number, {}});
        regions.push_back(region);
    }

    void grow() {
        image::Ground ground(nodes, insns);
        const Result<image::Forest> grown = ground.grow({boxes, endings});
        ASSERT_TRUE(grown) << grown.error().message;
        forest = *grown;
    }

    std::optional<std::uint32_t> first(const Fields& packet) const {
        for (std::uint32_t rule = 0; rule < regions.size(); ++rule) {
            bool inside = true;
            for (unsigned field = 0; field < EDGEFW_FIELDS; ++field)
                inside &= regions[rule][field].covers({packet[field], packet[field]});
            if (inside) return rule;
        }
        return std::nullopt;
    }

    Walk search(const Fields& packet) const { return image::walk(nodes, insns, forest.layout, packet); }

    // At the corners of every `stride`th rule and just outside of them, all else random. The most elements of runs that
    // a packet looked at are in `steps`.
    void expect_right(std::uint32_t stride, std::uint32_t& steps) const {
        std::uint32_t state = 1;
        const auto random = [&state](image::Interval in) {
            state = state * 1664525 + 1013904223;
            return in.low + static_cast<std::uint32_t>(state * (std::uint64_t{in.high} - in.low + 1) >> 32);
        };
        for (std::uint32_t rule = 0; rule < regions.size(); rule += stride) {
            for (int corner = 0; corner < 4; ++corner) {
                Fields packet{};
                for (unsigned field = 0; field < EDGEFW_FIELDS; ++field) {
                    const image::Interval in = regions[rule][field];
                    const std::uint32_t edges[] = {in.low, in.high, random(in),
                                                   in.high + (random({0, 7}) == 0 ? 1 : 0)};
                    packet[field] = std::min(edges[corner], image::everywhere()[field].high);
                }
                const Walk found = search(packet);
                ASSERT_EQ(found.rule, first(packet)) << "rule " << rule << ", corner " << corner;
                steps = std::max(steps, found.steps);
            }
        }
    }
};

image::Region tcp() {
    image::Region box = image::everywhere();
    box[EDGEFW_FIELD_PROTOCOL] = {IPPROTO_TCP, IPPROTO_TCP};
    return box;
}

struct Random {
    std::uint32_t state = 7;
    std::uint32_t below(std::uint32_t bound) {
        state = state * 1664525 + 1013904223;
        return static_cast<std::uint32_t>(std::uint64_t{state} * bound >> 32);
    }
};

// A first rule that passes all TCP hides the others, though it does not fill the space of packets.
TEST(Tree, WhatTheFirstRuleHidesTakesNoRoom) {
    Ruleset rules;
    rules.add(tcp());
    Random random;
    for (int i = 0; i < 51; ++i) {
        image::Region box = tcp();
        for (const unsigned field :
             {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_LOCAL_PORT, EDGEFW_FIELD_REMOTE_PORT}) {
            const std::uint32_t low = random.below(30000);
            box[field] = {low, low + 1 + random.below(30000)};
        }
        rules.add(box);
    }
    rules.grow();
    EXPECT_LE(rules.insns.size(), 4u);
    std::uint32_t steps = 0;
    rules.expect_right(1, steps);
}

// In one tree they would be the product of four lists.
TEST(Tree, RulesThatEachRestrictOneOfFourFields) {
    Ruleset rules;
    Random random;
    for (std::uint32_t i = 0; i < 8000; ++i) {
        image::Region box = tcp();
        constexpr unsigned kFields[] = {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_LOCAL_PORT,
                                        EDGEFW_FIELD_REMOTE_PORT};
        const unsigned field = kFields[i % 4];
        const std::uint32_t low =
            field < EDGEFW_FIELD_LOCAL_PORT ? 0x0a000000 + random.below(1 << 24) : random.below(65000);
        box[field] = {low, low + random.below(20)};
        rules.add(box);
    }
    rules.grow();
    EXPECT_LE(rules.insns.size(), 16u * 8000);
    std::uint32_t steps = 0;
    rules.expect_right(17, steps);
    EXPECT_LE(steps, 40u);
}

// Each rule reaches further in one field and less far in the other: no two are alike, and all overlap.
TEST(Tree, StairsInTwoFields) {
    for (const bool widest_first : {false, true}) {
        Ruleset rules;
        constexpr std::uint32_t kRules = 5000;
        for (std::uint32_t i = 0; i < kRules; ++i) {
            image::Region box = tcp();
            const std::uint32_t reach = widest_first ? kRules - i : i;
            box[EDGEFW_FIELD_LOCAL].high = 0x0a000000 + reach;
            box[EDGEFW_FIELD_REMOTE].high = 0x0a000000 + kRules - reach;
            rules.add(box);
        }
        rules.grow();
        EXPECT_LE(rules.insns.size(), 10u * kRules);
        std::uint32_t steps = 0;
        rules.expect_right(7, steps);
        EXPECT_LE(steps, 20u);
    }
}

// Boxes that each take a third of every field, at random: no tree parts them, and what a packet costs grows with their
// number. They are searched all the same, and the forest says what they cost.
TEST(Tree, WhatNoTreePartsIsSearchedInOrder) {
    Ruleset rules;
    Random random;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        image::Region box = tcp();
        for (const unsigned field :
             {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_LOCAL_PORT, EDGEFW_FIELD_REMOTE_PORT}) {
            const std::uint32_t low = random.below(40000);
            box[field] = {low, low + 20000};
        }
        rules.add(box);
    }
    rules.grow();
    const auto long_leaf = [](const edgefw_node& node) {
        return node.link >> EDGEFW_NODE_FIELD_SHIFT == EDGEFW_NODE_LONG_LEAF;
    };
    EXPECT_TRUE(std::any_of(rules.nodes.begin(), rules.nodes.end(), long_leaf));
    EXPECT_LE(rules.insns.size(), 500000u);
    std::uint32_t steps = 0;
    rules.expect_right(5, steps);
    EXPECT_GT(steps, unsigned{EDGEFW_MAX_LEAF_STEPS});
    EXPECT_GE(rules.forest.worst.steps, steps);
    EXPECT_GT(rules.forest.worst.nanoseconds, 1000);
    EXPECT_GT(rules.forest.worst.rules, 50u);
}

// The forests of a policy share its arrays: where little room is left, a tree makes do with what it can have.
TEST(Tree, WithoutRoomForCopiesItDoesWithoutThem) {
    Ruleset rules;
    Random random;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        image::Region box = tcp();
        for (const unsigned field : {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_LOCAL_PORT}) {
            const std::uint32_t low = random.below(40000);
            box[field] = {low, low + 10000};
        }
        rules.add(box);
    }
    Ruleset roomy = rules;
    roomy.grow();
    constexpr std::size_t kRoom = 3000;
    ASSERT_GT(roomy.nodes.size(), 2 * kRoom);
    rules.nodes.resize(EDGEFW_NODE_INDEX_MASK - kRoom);
    rules.grow();
    EXPECT_LE(rules.nodes.size(), std::size_t{EDGEFW_NODE_INDEX_MASK});
    std::uint32_t steps = 0;
    rules.expect_right(5, steps);
}

// Rules of IPv6 in one /32, which every word of the address but the first is to part.
TEST(Tree, ACommonPrefixCostsNothing) {
    Ruleset rules;
    Random random;
    for (std::uint32_t i = 0; i < 4000; ++i) {
        image::Region box = tcp();
        box[EDGEFW_FIELD_OPENS] = {1, 1};
        for (const unsigned end : {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_REMOTE}) {
            box[end] = {0x20010db8, 0x20010db8};
            if (random.below(3) == 0) continue;
            const std::uint32_t network = random.below(1 << 20) << 12;
            box[end + 1] = {network, network | 0xfff};
        }
        const std::uint32_t port = random.below(60000);
        box[EDGEFW_FIELD_LOCAL_PORT] = {port, port + random.below(3) * 500};
        rules.add(box);
    }
    rules.grow();
    EXPECT_LE(rules.insns.size(), 40u * 4000);
    std::uint32_t steps = 0;
    rules.expect_right(9, steps);
    EXPECT_LE(steps, 120u);
}

TEST(Tree, AForestOfItsOwnGroundFindsTheSameInAnother) {
    Ruleset rules;
    for (std::uint32_t i = 0; i < 300; ++i) {
        image::Region region = image::everywhere();
        region[EDGEFW_FIELD_LOCAL] = {i << 16, i << 16 | 0xffff};
        region[EDGEFW_FIELD_LOCAL_PORT] = {i, i + 40};
        rules.add(region);
    }
    rules.grow();
    image::Ground ground(rules.nodes, rules.insns);
    const std::vector<edgefw_node> nodes = rules.nodes;
    const std::vector<edgefw_insn> insns = rules.insns;
    ASSERT_TRUE(ground.take_in(nodes, insns, rules.forest.layout));
    EXPECT_EQ(rules.nodes.size(), 2 * nodes.size());
    EXPECT_EQ(rules.forest.layout.group[0].root, nodes.size());
    // What stood there first is not what is walked.
    std::fill_n(rules.nodes.begin(), nodes.size(), edgefw_node{});
    std::fill_n(rules.insns.begin(), insns.size(), edgefw_insn{});
    std::uint32_t steps = 0;
    rules.expect_right(1, steps);
}

TEST(Tree, AForestThatDoesNotFitInChangesNothing) {
    std::vector<edgefw_node> nodes(EDGEFW_NODE_INDEX_MASK - 1);
    std::vector<edgefw_insn> insns;
    image::Ground ground(nodes, insns);
    edgefw_forest layout = {};
    layout.groups = 1;
    EXPECT_FALSE(ground.take_in(std::vector<edgefw_node>(2), std::vector<edgefw_insn>(2), layout));
    EXPECT_EQ(nodes.size(), EDGEFW_NODE_INDEX_MASK - 1);
    EXPECT_TRUE(insns.empty());
    EXPECT_EQ(layout.group[0].root, 0u);
    EXPECT_TRUE(ground.take_in(std::vector<edgefw_node>(1), std::vector<edgefw_insn>(2), layout));
    EXPECT_EQ(layout.group[0].root, EDGEFW_NODE_INDEX_MASK - 1);
}

}  // namespace
}  // namespace edgefw::test
