// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/order.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace edgefw::history {
namespace {

// An entry of the boot "now": its number is its generation, too.
Facts entry(std::uint64_t number, const std::string& digest, std::vector<std::string> cards = {"eth0", "eth1"},
            bool one_card = false, std::uint64_t from = 0) {
    Facts facts;
    facts.number = number;
    facts.from = from;
    facts.boot = "now";
    facts.generation = static_cast<std::uint32_t>(number);
    facts.cards = std::move(cards);
    facts.one_card = one_card;
    facts.digest = digest;
    return facts;
}

std::vector<Facts> newest_first(std::vector<Facts> entries) {
    std::reverse(entries.begin(), entries.end());
    return entries;
}

std::uint64_t number(const Facts* facts) {
    return facts == nullptr ? 0 : facts->number;
}

// Which entry a rollback takes, or what it says.
std::string rollback(const std::vector<Facts>& entries, const std::vector<CardInForce>& cards) {
    const auto facts = rollback_of(newest_first(entries), cards, "now");
    return facts ? std::to_string(facts->number) : facts.error().message;
}

TEST(HistoryOrder, WhatIsInForceIsOfThisBootAndGenerationAndDigest) {
    const auto entries = newest_first({entry(1, "a"), entry(2, "b"), entry(3, "c", {"eth1"}, true)});
    EXPECT_EQ(number(find_in_force(entries, {"eth0", 2, "b"}, "now")), 2u);
    EXPECT_EQ(number(find_in_force(entries, {"eth1", 3, "c"}, "now")), 3u);
    EXPECT_EQ(number(find_in_force(entries, {"eth0", 3, "c"}, "now")), 0u);  // that was of eth1 alone
    EXPECT_EQ(number(find_in_force(entries, {"eth0", 2, "b"}, "later")), 0u);
    EXPECT_EQ(number(find_in_force(entries, {"eth0", 2, "a"}, "now")), 0u);
    EXPECT_EQ(number(find_in_force(entries, {"eth0", 0, ""}, "now")), 0u);
}

TEST(HistoryOrder, ARollbackGoesToAnotherPolicy) {
    const std::vector<CardInForce> both{{"eth0", 3, "b"}, {"eth1", 3, "b"}};
    EXPECT_EQ(rollback({entry(1, "a"), entry(2, "b"), entry(3, "b")}, both), "1");
    EXPECT_EQ(rollback({entry(1, "a"), entry(2, "c"), entry(3, "b")}, both), "2");
}

TEST(HistoryOrder, ASecondRollbackGoesFurtherBack) {
    const std::vector<Facts> entries{entry(1, "a"), entry(2, "b"), entry(3, "c"), entry(4, "b", {}, false, 2)};
    EXPECT_EQ(rollback(entries, {{"eth0", 4, "b"}}), "1");
}

TEST(HistoryOrder, CardsThatWereUnderDifferentPoliciesAreNamed) {
    const std::vector<Facts> entries{entry(1, "a", {"eth0"}, true), entry(2, "b", {"eth1"}, true), entry(3, "c")};
    EXPECT_EQ(
        rollback(entries, {{"eth0", 3, "c"}, {"eth1", 3, "c"}}),
        "the cards were under different policies before (eth0 under entry 1, eth1 under entry 2): name a card with "
        "--iface, or an entry of `edgefw history`");
    EXPECT_EQ(rollback(entries, {{"eth0", 3, "c"}}), "1");
    EXPECT_NE(rollback({entry(1, "a", {"eth0"}, true), entry(2, "b")}, {{"eth0", 2, "b"}, {"eth1", 2, "b"}})
                  .find("eth0 under entry 1, eth1 under none that is known"),
              std::string::npos);
    const std::vector<Facts> alike{entry(1, "a", {"eth0"}, true), entry(2, "a", {"eth1"}, true), entry(3, "c")};
    EXPECT_EQ(rollback(alike, {{"eth0", 3, "c"}, {"eth1", 3, "c"}}), "2");
}

TEST(HistoryOrder, WhereThereIsNothingToGoBackToItSaysSo) {
    EXPECT_NE(rollback({entry(1, "a")}, {}).find("no policy is in force"), std::string::npos);
    EXPECT_NE(rollback({entry(1, "a")}, {{"eth0", 0, ""}}).find("no policy is in force"), std::string::npos);
    EXPECT_NE(rollback({entry(1, "a")}, {{"eth0", 1, "a"}}).find("no other policy"), std::string::npos);
    EXPECT_NE(rollback({}, {{"eth0", 1, "a"}}).find("no other policy"), std::string::npos);
}

TEST(HistoryOrder, TenStayAndWhatIsInForceAndWhatWasBefore) {
    std::vector<Facts> entries{entry(1, "a")};
    std::vector<std::uint64_t> numbers{1};
    for (std::uint64_t i = 2; i <= 14; i++) {
        entries.push_back(entry(i, "b"));
        numbers.push_back(i);
    }
    // 14 is in force, 1 is what a rollback takes.
    EXPECT_EQ(superfluous(numbers, newest_first(entries), {{"eth0", 14, "b"}}, "now"),
              (std::vector<std::uint64_t>{2, 3, 4, 5}));
    // 3 is in force on another card.
    EXPECT_EQ(superfluous(numbers, newest_first(entries), {{"eth0", 14, "b"}, {"eth1", 3, "b"}}, "now"),
              (std::vector<std::uint64_t>{2, 4, 5, 6}));
    EXPECT_EQ(superfluous(numbers, newest_first(entries), {}, "now"), (std::vector<std::uint64_t>{1, 2, 3, 4}));
    EXPECT_TRUE(superfluous({1, 2, 3}, {}, {}, "now").empty());
}

}  // namespace
}  // namespace edgefw::history
