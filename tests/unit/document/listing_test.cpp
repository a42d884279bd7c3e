// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/listing.h"

#include <gtest/gtest.h>

#include "tests/unit/show/cards.h"

namespace edgefw::document {
namespace {

using policy::Action;
using policy::Direction;
using policy::Side;

TEST(Listing, IsReadAsItWasWritten) {
    Listing listing = show::listing();
    listing.rules[1].profile = "a profile with spaces";
    listing.nat.push_back({"both", 3, 33});
    const Result<Listing> read = read_listing(listing.to_text());
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->rules.size(), 3u);
    EXPECT_EQ(read->rules[0].id, "admin-ssh");
    EXPECT_EQ(read->rules[0].profile, "");
    EXPECT_EQ(read->rules[1].profile, "a profile with spaces");
    EXPECT_EQ(read->rules[1].slot, 1026u);
    EXPECT_EQ(read->rules[1].direction, Direction::kBoth);
    EXPECT_EQ(read->rules[1].action, Action::kPass);
    EXPECT_EQ(read->rules[2].side, Side::kInternal);
    EXPECT_EQ(read->rules[2].direction, Direction::kOutbound);
    EXPECT_EQ(read->rules[2].action, Action::kDrop);
    ASSERT_EQ(read->nat.size(), 2u);
    EXPECT_EQ(read->nat[0].id, "office/map");
    EXPECT_EQ(read->nat[0].slot, 32u);
    EXPECT_TRUE(read->nat[0].is_on(Side::kExternal));
    EXPECT_FALSE(read->nat[0].is_on(Side::kInternal));
    EXPECT_TRUE(read->nat[1].is_on(Side::kInternal));
    EXPECT_EQ(read->to_text(), listing.to_text());
}

TEST(Listing, NoPolicyHasNoRules) {
    const Result<Listing> read = read_listing("");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->rules.empty());
    EXPECT_TRUE(read->nat.empty());
}

TEST(Listing, WhatIsNotReadableIsAnError) {
    for (const char* text :
         {"{", "\n", "rule\n", "rule 1 external inbound pass web ", "rule x external inbound pass web \n",
          "rule 1 outside inbound pass web \n", "rule 1 external in pass web \n", "rule 1 external inbound take web \n",
          "rule 1 external inbound pass  \n", "nat 1 3 \n", "nat 1 300 n\n", "nat 99999999999 1 n\n", "set 1 1 n\n",
          "rule 1 external inbound pass web \nnat"}) {
        const Result<Listing> read = read_listing(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message,
                  "the list of rules kept with the policy in force is not readable: push the policy again");
    }
}

TEST(Listing, IsThatOfThePolicy) {
    policy::Policy policy;
    policy.rules.resize(2);
    policy.rules[0].id = "web";
    policy.rules[0].side = Side::kInternal;
    policy.rules[0].direction = Direction::kInbound;
    policy.rules[0].action = Action::kDrop;
    policy.rules[1].id = "shop/https";
    policy.rules[1].origin.profile = "shop";
    policy.forwards.resize(1);
    policy.forwards[0].id = "map";
    policy.masquerades.resize(1);
    policy.masquerades[0].id = "out";
    policy.masquerades[0].side = Side::kInternal;
    const Listing listing = list(policy);
    ASSERT_EQ(listing.rules.size(), 2u);
    EXPECT_EQ(listing.rules[0].id, "web");
    EXPECT_EQ(listing.rules[0].side, Side::kInternal);
    EXPECT_EQ(listing.rules[0].direction, Direction::kInbound);
    EXPECT_EQ(listing.rules[0].action, Action::kDrop);
    EXPECT_EQ(listing.rules[1].profile, "shop");
    ASSERT_EQ(listing.nat.size(), 2u);
    EXPECT_EQ(listing.nat[0].id, "map");
    EXPECT_TRUE(listing.nat[0].is_on(Side::kExternal));
    EXPECT_TRUE(listing.nat[1].is_on(Side::kInternal));
    EXPECT_TRUE(listing.slots().empty()) << "nothing has a slot yet";
}

TEST(Listing, SlotsGoInAndComeOut) {
    Listing listing{{{"a"}, {"b"}}, {{"n"}}};
    listing.set_slots({{"a", 1024}, {"n", 32}, {"other", 1025}});
    EXPECT_EQ(listing.slots(), (Slots{{"a", 1024}, {"n", 32}}));
}

}  // namespace
}  // namespace edgefw::document
