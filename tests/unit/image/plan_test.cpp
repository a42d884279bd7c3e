// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/image/policies.h"
#include "userspace/image/compile.h"
#include "userspace/image/forwards.h"
#include "userspace/image/image.h"
#include "userspace/image/plan.h"

namespace edgefw::test {
namespace {

using image::Slots;

policy::Forward forward(const std::string& id, const std::string& public_address, const std::string& target,
                        std::uint16_t port = 9555) {
    policy::Forward forward;
    forward.id = id;
    forward.protocol = IPPROTO_TCP;
    forward.public_address = *Address::parse(public_address);
    forward.public_port = port;
    forward.target = *Address::parse(target);
    forward.target_port = port;
    return forward;
}

image::Image image_of(const std::vector<std::string>& rules, std::vector<policy::Forward> forwards = {}) {
    policy::Policy policy;
    for (const std::string& id : rules) {
        policy.rules.push_back(tcp_rule(id));
        const auto port = static_cast<std::uint16_t>(policy.rules.size());
        policy.rules.back().local_port = {{port, port}};
    }
    policy.forwards = std::move(forwards);
    return *image::compile(policy);
}

std::vector<std::uint32_t> slots_in(const image::Image& image) {
    std::vector<std::uint32_t> slots;
    for (const edgefw_insn& test : image.insns) {
        const bool asks = (test.width & EDGEFW_OUTCOME_ASK) != 0;
        if (test.kind == EDGEFW_INSN_MATCH && !asks) slots.push_back(test.width & EDGEFW_OUTCOME_SLOT_MASK);
    }
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    return slots;
}

TEST(Slots, KeepTheirsAndNewOnesFollowTheHighest) {
    image::Image image = image_of({"a", "b", "c"}, {forward("map", "203.0.113.7", "10.0.0.5")});
    const Slots in_force = {{"b", 1030}, {"gone", 1040}, {"old-map", 40}};
    const Result<Slots> slots = image::assign_slots(image, in_force);
    ASSERT_TRUE(slots);
    EXPECT_EQ(*slots, (Slots{{"a", 1041}, {"b", 1030}, {"c", 1042}, {"map", 41}}));
    EXPECT_EQ(slots_in(image), (std::vector<std::uint32_t>{1030, 1041, 1042}));
    const auto entries = image::entries_of(image.forwards_in.entries);
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].slot, 41);
}

TEST(Slots, OutcomesKeepTheirFlags) {
    image::Image image = image_of({"a"});
    ASSERT_TRUE(image::assign_slots(image, {}));
    const auto match = std::find_if(image.insns.begin(), image.insns.end(),
                                    [](const edgefw_insn& test) { return test.kind == EDGEFW_INSN_MATCH; });
    ASSERT_NE(match, image.insns.end());
    EXPECT_EQ(match->width, EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP | unsigned{EDGEFW_SLOT_FIRST_RULE});
}

TEST(Slots, GoRoundAtTheEnd) {
    image::Image image = image_of({"a", "b"});
    const Slots in_force = {{"last", EDGEFW_SLOTS_MAX - 1}, {"first", EDGEFW_SLOT_FIRST_RULE}};
    const Result<Slots> slots = image::assign_slots(image, in_force);
    ASSERT_TRUE(slots);
    EXPECT_EQ(slots->at("a"), EDGEFW_SLOT_FIRST_RULE + 1u);
    EXPECT_EQ(slots->at("b"), EDGEFW_SLOT_FIRST_RULE + 2u);
}

TEST(Slots, AreExhausted) {
    std::vector<policy::Forward> forwards;
    for (int i = 0; i < EDGEFW_SLOT_FIRST_RULE - EDGEFW_SLOT_FIRST_NAT; ++i) {
        const auto port = static_cast<std::uint16_t>(1000 + i);
        forwards.push_back(forward("map-" + std::to_string(i), "203.0.113.7", "10.0.0.5", port));
    }
    image::Image image = image_of({}, forwards);
    ASSERT_TRUE(image::assign_slots(image, {}));
    image = image_of({}, forwards);
    const Result<Slots> slots = image::assign_slots(image, {{"old", 500}});
    ASSERT_FALSE(slots);
    EXPECT_EQ(slots.error().kind, ErrorKind::kFailed);
    EXPECT_NE(slots.error().message.find("map-991"), std::string::npos) << slots.error().message;
}

// What the data path does: from the bucket along the chain. Empty: no entry.
std::string lookup_in(const image::Image& image, const std::string& address, std::uint16_t port) {
    edgefw_forward key = image::forward_entries(forward("", address, "0.0.0.0", port), 0)[0];
    const image::ForwardTable& table = image.forwards_in;
    if (table.entries.empty()) return "";
    std::uint32_t place =
        edgefw_forward_bucket(key.public_address, key.public_port, key.protocol, table.seed, table.mask);
    std::string found;
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; ++i) {
        const edgefw_forward& entry = table.entries[place];
        if ((entry.flags & EDGEFW_FORWARD_USED) != 0 && entry.public_address == key.public_address &&
            entry.public_port == key.public_port && entry.protocol == key.protocol) {
            found += (entry.flags & EDGEFW_FORWARD_RETIRED) != 0 ? "retired " : "";
            found += std::to_string(entry.slot) + " ";
        }
        if (entry.next == 0) break;
        place = entry.next;
    }
    return found;
}

// Target and slot of each entry by which a target opens.
std::set<std::string> ends_by_target(const image::Image& image) {
    std::set<std::string> ends;
    for (const edgefw_forward& entry : image::entries_of(image.forwards_out.entries)) {
        char address[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &entry.target_address, address, sizeof(address));
        ends.insert(std::string(address) + ":" + std::to_string(ntohs(entry.target_port)) + " > " +
                    std::to_string(entry.slot));
    }
    return ends;
}

TEST(Forwards, AreFoundAlongTheirChains) {
    std::vector<policy::Forward> forwards;
    for (std::uint16_t i = 0; i < 500; ++i)
        forwards.push_back(forward("map-" + std::to_string(i), "203.0.113.7", "10.0.0.5", 2000 + i));
    const image::Image image = image_of({}, forwards);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].has_forwards, 1u);
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].has_forwards, 0u);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].forward_in_mask, image.forwards_in.mask);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].forward_in_seed, image.forwards_in.seed);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].forwards_open, 1u);
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].forwards_open, 0u);
    for (std::uint16_t i = 0; i < 500; ++i)
        ASSERT_EQ(lookup_in(image, "203.0.113.7", 2000 + i), std::to_string(i) + " ");
    EXPECT_EQ(lookup_in(image, "203.0.113.7", 1999), "");
}

TEST(Forwards, AreInNetworkByteOrder) {
    const edgefw_forward entry = image::forward_entries(forward("", "203.0.113.7", "10.0.0.5"), 3)[0];
    EXPECT_EQ(entry.public_address, inet_addr("203.0.113.7"));
    EXPECT_EQ(entry.target_address, inet_addr("10.0.0.5"));
    EXPECT_EQ(entry.public_port, htons(9555));
    EXPECT_EQ(entry.flags, EDGEFW_FORWARD_USED | EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL) | EDGEFW_FORWARD_OPENS);
}

TEST(Forwards, ARangeIsAnEntryAPort) {
    policy::Forward range = forward("range", "203.0.113.7", "10.0.0.5", 50000);
    range.target_port = 40000;
    range.ports = 10000;
    const image::Image image = image_of({}, {range});
    for (const std::uint16_t port : {50000, 54321, 59999})
        EXPECT_EQ(lookup_in(image, "203.0.113.7", port), "0 ");
    EXPECT_EQ(lookup_in(image, "203.0.113.7", 49999) + lookup_in(image, "203.0.113.7", 60000), "");
    const auto entries = image::forward_entries(range, 0);
    EXPECT_EQ(entries[9999].public_port, htons(59999));
    EXPECT_EQ(entries[9999].target_port, htons(49999));
}

TEST(Forwards, StaticOnesAreFoundByBothEnds) {
    policy::Forward all = forward("all", "203.0.113.7", "10.0.0.5", 0);
    all.kind = policy::NatKind::kStatic;
    all.ports = 0;
    all.protocol = 0;
    all.target_port = 0;
    const image::Image image = image_of({}, {all, forward("map", "203.0.113.7", "10.0.0.6")});
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].has_statics, 1u);
    EXPECT_EQ(image::entries_of(image.forwards_in.entries).size(), 2u);
    EXPECT_EQ(ends_by_target(image), (std::set<std::string>{"10.0.0.5:0 > 0", "10.0.0.6:9555 > 1"}));
}

// The public ports that the targets open by: of the first forward of each target end, in the policy's order, also where
// a later push lays the table out again; none by a mapped entry.
TEST(Forwards, WhatATargetOpensLeavesByTheFirstOfItsForwards) {
    policy::Forward first = forward("first", "203.0.113.9", "10.0.0.5", 5060),
                    second = forward("second", "203.0.113.7", "10.0.0.5", 5061),
                    mapped = forward("mapped", "203.0.113.7", "10.0.0.6", 5062);
    first.target_port = second.target_port = mapped.target_port = 5060;
    mapped.kind = policy::NatKind::kMapped;
    image::Image image = image_of({}, {first, second, mapped});
    EXPECT_EQ(ends_by_target(image), (std::set<std::string>{"10.0.0.5:5060 > 0"}));
    image::retire_forwards(image, {});
    EXPECT_EQ(ends_by_target(image), (std::set<std::string>{"10.0.0.5:5060 > 0"}));
    // What opens nothing takes no end away.
    mapped.sides = first.sides = policy::bit_of(policy::Side::kInternal);
    mapped.target = first.target;
    EXPECT_EQ(ends_by_target(image_of({}, {mapped, first})), (std::set<std::string>{"10.0.0.5:5060 > 1"}));
    // On internal cards a hairpin translates destinations alone.
    first.sides = policy::bit_of(policy::Side::kExternal) | policy::bit_of(policy::Side::kInternal);
    image = image_of({}, {first});
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].has_forwards, 1u);
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].forwards_open, 0u);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].forwards_open, 1u);
}

// Each table has a mask and a seed of its own: many ports, one static entry.
TEST(Forwards, TheConfigSaysHowBothTablesAreLaidOut) {
    policy::Forward range = forward("range", "203.0.113.7", "10.0.0.5", 40000);
    range.ports = 20000;
    policy::Forward all = forward("all", "203.0.113.8", "10.0.0.6", 0);
    all.kind = policy::NatKind::kStatic;
    all.ports = 0;
    range.kind = policy::NatKind::kMapped;  // nothing opens by it
    const image::Image image = image_of({}, {range, all});
    ASSERT_NE(image.forwards_in.mask, image.forwards_out.mask);
    ASSERT_NE(image.forwards_in.seed, image.forwards_out.seed);
    const edgefw_config& config = image.config[EDGEFW_EXTERNAL];
    EXPECT_EQ(config.forward_in_mask, image.forwards_in.mask);
    EXPECT_EQ(config.forward_in_seed, image.forwards_in.seed);
    EXPECT_EQ(config.forward_out_mask, image.forwards_out.mask);
    EXPECT_EQ(config.forward_out_seed, image.forwards_out.seed);
}

// On internal cards it translates destinations alone, and the connection translates the replies.
TEST(Forwards, TheHairpinOfAStaticEntryKeepsStateInside) {
    policy::Forward all = forward("all", "203.0.113.8", "10.0.0.6", 0);
    all.kind = policy::NatKind::kStatic;
    all.ports = 0;
    all.sides = policy::bit_of(policy::Side::kExternal) | policy::bit_of(policy::Side::kInternal);
    policy::Policy policy;
    policy.forwards = {all};
    for (auto& of_side : policy.defaults)
        std::fill(std::begin(of_side), std::end(of_side), policy::Action::kPass);  // keeps no state
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->config[EDGEFW_INTERNAL].keeps_state, 1u);
    EXPECT_EQ(image->config[EDGEFW_EXTERNAL].keeps_state, 0u);
    const auto by_target = image::entries_of(image->forwards_out.entries);
    ASSERT_EQ(by_target.size(), 1u);
    EXPECT_EQ(by_target[0].flags, EDGEFW_FORWARD_USED | EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL) | EDGEFW_FORWARD_OPENS);
}

TEST(Masquerades, ArePairsOfPrefixesInOrder) {
    policy::Policy policy;
    policy::Masquerade entry;
    entry.id = "office";
    entry.from = {*AddressRange::parse("192.168.0.0/16"), *AddressRange::parse("10.0.0.1-10.0.0.2")};
    entry.to = {*AddressRange::parse("198.51.100.0/24")};
    entry.protocol = IPPROTO_TCP;
    entry.remote_port = 443;
    entry.public_address = *Address::parse("203.0.113.7");
    entry.ports = {61000, 61999};
    policy.masquerades = {entry};
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image);
    ASSERT_EQ(image->masquerades.size(), 3u);
    EXPECT_EQ(image->masquerades[0].inside, inet_addr("192.168.0.0"));
    EXPECT_EQ(image->masquerades[0].inside_mask, inet_addr("255.255.0.0"));
    EXPECT_EQ(image->masquerades[2].inside, inet_addr("10.0.0.2"));
    EXPECT_EQ(image->masquerades[2].inside_mask, inet_addr("255.255.255.255"));
    EXPECT_EQ(image->masquerades[0].remote_mask, inet_addr("255.255.255.0"));
    EXPECT_EQ(image->masquerades[0].remote_port, htons(443));
    const edgefw_config& config = image->config[EDGEFW_EXTERNAL];
    EXPECT_EQ(config.masquerades, 3u);
    EXPECT_EQ(config.masquerade_first, 61000u);
    EXPECT_EQ(config.masquerade_last, 61999u);
    EXPECT_EQ(config.keeps_state, 1u);
    EXPECT_EQ(image->config[EDGEFW_INTERNAL].masquerades, 0u);

    policy::Masquerade lower = entry, between = entry, inside = entry;
    lower.ports = {60000, 60999};
    between.ports = {60500, 61500};
    inside.side = policy::Side::kInternal;
    inside.to = {};
    inside.protocol.reset();
    inside.keeps_parity = true;
    inside.ports = {62000, 62999};
    policy.masquerades = {entry, inside, lower, between};
    const Result<image::Image> several = image::compile(policy);
    ASSERT_TRUE(several);
    ASSERT_EQ(several->masquerades.size(), 12u);
    const edgefw_masquerade &outer = several->masquerades[0], &inner = several->masquerades[3];
    EXPECT_EQ(outer.flags, EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL));
    EXPECT_EQ(inner.flags, EDGEFW_FORWARD_ON(EDGEFW_INTERNAL));
    EXPECT_EQ(outer.protocol, IPPROTO_TCP);
    EXPECT_EQ(inner.protocol, 0) << "any";
    EXPECT_EQ(outer.keeps_parity, 0);
    EXPECT_EQ(inner.keeps_parity, 1);
    EXPECT_EQ(inner.remote_mask, 0u) << "any";
    EXPECT_EQ(several->config[EDGEFW_EXTERNAL].masquerade_first, 60000u);
    EXPECT_EQ(several->config[EDGEFW_EXTERNAL].masquerade_last, 61999u);
    EXPECT_EQ(several->config[EDGEFW_INTERNAL].masquerade_first, 62000u);
    EXPECT_EQ(several->config[EDGEFW_INTERNAL].masquerade_last, 62999u);
}

TEST(Retire, ChangedAndRemovedOnes) {
    image::Image old_image =
        image_of({}, {forward("stays", "203.0.113.7", "10.0.0.5", 1), forward("moves", "203.0.113.7", "10.0.0.5", 2),
                      forward("goes", "203.0.113.7", "10.0.0.5", 3)});
    const Slots slots = *image::assign_slots(old_image, {});
    image::Image image =
        image_of({}, {forward("stays", "203.0.113.7", "10.0.0.5", 1), forward("moves", "203.0.113.7", "10.0.0.6", 2)});
    ASSERT_TRUE(image::assign_slots(image, slots));
    image::retire_forwards(image, old_image.forwards_in.entries);
    EXPECT_EQ(lookup_in(image, "203.0.113.7", 1), "32 ");
    EXPECT_EQ(lookup_in(image, "203.0.113.7", 2), "33 retired 33 ");
    EXPECT_EQ(lookup_in(image, "203.0.113.7", 3), "retired 34 ");

    // The last forward goes: its connections must still be found.
    image::Image none = image_of({});
    image::retire_forwards(none, image.forwards_in.entries);
    EXPECT_EQ(none.config[EDGEFW_EXTERNAL].has_forwards, 1u);
    EXPECT_EQ(lookup_in(none, "203.0.113.7", 1), "retired 32 ");
}

// Six targets in six pushes: one bucket holds the active entry, the one just retired, and two older ones.
TEST(Retire, LeavesOutWhatTheChainCannotHold) {
    image::Image in_force = image_of({}, {forward("map", "203.0.113.7", "10.0.0.1")});
    Slots slots = *image::assign_slots(in_force, {});
    for (int i = 2; i <= 6; ++i) {
        image::Image next = image_of({}, {forward("map", "203.0.113.7", "10.0.0." + std::to_string(i))});
        slots = *image::assign_slots(next, slots);
        image::retire_forwards(next, in_force.forwards_in.entries);
        in_force = std::move(next);
    }
    EXPECT_EQ(lookup_in(in_force, "203.0.113.7", 9555), "32 retired 32 retired 32 retired 32 ");
    const auto entries = image::entries_of(in_force.forwards_in.entries);
    EXPECT_EQ(entries.size(), unsigned{EDGEFW_MAX_FORWARD_CHAIN});
    EXPECT_TRUE(std::any_of(entries.begin(), entries.end(),
                            [](const edgefw_forward& entry) { return entry.target_address == inet_addr("10.0.0.5"); }));
}

TEST(KeptState, IsThatOfTheGenerationWhoseConnectionsLiveLongest) {
    edgefw_config older = {};
    older.passes = EDGEFW_KIND_UDP | EDGEFW_KIND_TCP;
    older.timeout[EDGEFW_STATE_UDP_TWO_WAY] = 100 * 300;
    older.timeout[EDGEFW_STATE_TCP_ESTABLISHED] = 100 * 86400;
    edgefw_config newer = {};
    newer.keeps_state = 1;
    newer.kept_until[1] = 900;  // UDP
    newer.kept_until[3] = 400;  // others
    image::KeptState kept;
    kept.add(newer, {500, 100});
    EXPECT_EQ(kept.until[EDGEFW_EXTERNAL][1], 900u);
    kept.add(older, {500, 100});
    EXPECT_EQ(kept.until[EDGEFW_EXTERNAL][0], 500u + 86400 + 10);
    EXPECT_EQ(kept.until[EDGEFW_EXTERNAL][1], 900u) << "later than 810";
    EXPECT_EQ(kept.until[EDGEFW_INTERNAL][0], 0u);
    image::Image image;
    image::inherit_state(image, kept, 500);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].kinds, EDGEFW_KIND_TCP | EDGEFW_KIND_UDP) << "the others are over";
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].kept_until[1], 900u);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].kept_until[3], 0u);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].keeps_state, 1u);
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].kinds, 0u);
}

}  // namespace
}  // namespace edgefw::test
