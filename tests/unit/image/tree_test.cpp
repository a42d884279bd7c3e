// SPDX-License-Identifier: GPL-2.0-only
// The shape of trees: what a walk may cost. Never a time.
#include "userspace/image/tree.h"
#include "userspace/image/compile.h"

#include <gtest/gtest.h>

#include <algorithm>

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
    EXPECT_EQ(shape.groups[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4], 1u);
    EXPECT_LE(shape.depth[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4], 20u);
    EXPECT_LE(shape.nodes, 4u * 45000);
    EXPECT_LE(shape.insns, 11u * 45000);
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
    EXPECT_LE(image->shape.depth[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4], 6u);
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
    EXPECT_EQ(image->shape.groups[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4], 2u);
    EXPECT_LE(image->shape.nodes, 2u * 2 * 2000);
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
    EXPECT_LE(image->shape.depth[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4], 48u);
    EXPECT_EQ(walk(*image, packet_of("external inbound tcp 192.0.2.1:9 > 192.0.2.2:25000")).rule, 0u);
}

// Five hundred boxes, each more than half of every field: any region they are cut to is still in most of them.
TEST(Tree, RefusesWhatItCannotSortApart) {
    image::Boxes boxes;
    std::vector<image::Ending> endings;
    std::vector<std::string> ids;
    std::uint32_t state = 1;
    const auto random = [&state](std::uint32_t bound) {
        state = state * 1664525 + 1013904223;
        return (state >> 8) % bound;
    };
    for (std::uint32_t rule = 0; rule < 500; ++rule) {
        image::Region box = image::everywhere();
        for (const unsigned field : {EDGEFW_FIELD_LOCAL_PORT, EDGEFW_FIELD_REMOTE_PORT, EDGEFW_FIELD_REMOTE,
                                     EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_LOCAL_CLASS}) {
            const std::uint32_t low = random(20000);
            box[field] = {low, low + 30000};
        }
        boxes.add(rule, box);
        endings.push_back({rule, {}});
        ids.push_back("rule-" + std::to_string(rule));
    }
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_insn> tests;
    image::Ground ground(nodes, tests);
    const Result<image::Forest> forest = ground.grow({boxes, endings, ids});
    ASSERT_FALSE(forest);
    EXPECT_EQ(forest.error().kind, ErrorKind::kPolicy);
    EXPECT_NE(forest.error().message.find("too many overlaps to sort apart"), std::string::npos)
        << forest.error().message;
}

}  // namespace
}  // namespace edgefw::test
