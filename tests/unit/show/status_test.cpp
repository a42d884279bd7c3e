// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/status.h"

#include <gtest/gtest.h>

#include "maps/connection.h"
#include "tests/unit/show/cards.h"

namespace edgefw::show {
namespace {

kernel::Status two_cards() {
    kernel::Status status;
    status.generation = 3;
    status.cards.push_back(
        {external_card(),
         {{"connections-ipv4", 12, 131072, kernel::Turnover{40, 20, 8, 3}}, {"fragments-ipv4", 1, 4096}}});
    status.cards.push_back({internal_counters().card, {}});
    for (std::uint32_t state = 0; state < EDGEFW_STATE_COUNT; ++state)
        status.cards.front().timeouts.push_back(60 + state / 3);
    status.cards.back().card.generation = 0;
    status.cards.back().card.digest.clear();
    return status;
}

TEST(StatusText, ShowsCardsAndTables) {
    EXPECT_EQ(status_text(two_cards(), 100),
              "interface  side      mode     egress  programs  generation  digest\n"
              "eth0       external  native   tcx     11, 12             3  0123456789ab\n"
              "eth1       internal  generic  clsact  11, 12     no policy  -\n"
              "\n"
              "interface  map               entries  capacity  inserted  removed  recycled  refused\n"
              "eth0       connections-ipv4       12    131072        40       20         8        3\n"
              "eth0       fragments-ipv4          1      4096         -        -         -        -\n"
              "\n"
              "seconds quiet until forgotten  eth0  eth1\n"
              "tcp-opening                      60     -\n"
              "tcp-established                  60     -\n"
              "tcp-closing                      61     -\n"
              "tcp-closed                       61     -\n"
              "udp-one-way                      62     -\n"
              "udp-answered                     62     -\n"
              "udp-two-way                      62     -\n"
              "icmp-echo                        63     -\n"
              "other-one-way                    64     -\n"
              "other-two-way                    64     -\n"
              "tcp-unproven                     65     -\n"
              "udp-query                        65     -\n");
}

TEST(StatusText, SaysWhatASearchCosts) {
    kernel::Status status = two_cards();
    // The external card has no use for what is for internal ones.
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto& forests = status.cards.front().shape.forests[static_cast<std::size_t>(side)];
        forests[EDGEFW_RECEIVED][EDGEFW_IPV6] = {2, 31, 18, 60, 276, 4, "lab"};
    }
    EXPECT_NE(status_text(status, 100)
                  .find("\n\ninterface  rules searched  trees  levels  worst path: levels  tests   ns\n"
                        "eth0       received, ipv6      2      31                  18     60  276\n\n"),
              std::string::npos)
        << status_text(status, 100);
    EXPECT_EQ(status_json(status)["interfaces"][0]["searches"].dump(),
              R"([{"hook":"received","family":"ipv6","trees":2,"levels":31,)"
              R"("worst":{"levels":18,"tests":60,"ns":276}}])");
    EXPECT_TRUE(status_json(status)["interfaces"][1]["searches"].empty());
}

TEST(StatusText, SaysThatNothingIsAttached) {
    EXPECT_EQ(status_text({}, 80), "nothing is attached\n");
}

kernel::Status with_a_closed_card() {
    kernel::Status status;
    status.closed.push_back({"eth0", 2, {kernel::ClosedCounts{3, 40}, kernel::ClosedCounts{5, 0}}});
    return status;
}

TEST(StatusText, SaysThatACardIsClosed) {
    EXPECT_EQ(
        status_text(with_a_closed_card(), 80),
        "eth0 is CLOSED until its policy is in force (`journalctl -u edgefw@eth0` says why it is not): received 3 "
        "passed, 40 dropped; sent 5 passed, 0 dropped\nnothing is attached\n");
    kernel::Status both = two_cards();
    both.closed = with_a_closed_card().closed;
    EXPECT_EQ(status_text(both, 100), closed_text(both.closed) + status_text(two_cards(), 100));
}

TEST(StatusText, SaysWhereTheCountsOfAClosedCardAreNotToBeRead) {
    kernel::Status status = with_a_closed_card();
    status.closed.front().counts[EDGEFW_SENT] = std::nullopt;
    EXPECT_NE(status_text(status, 80).find("received 3 passed, 40 dropped; sent not to be read without CAP_SYS_ADMIN"),
              std::string::npos);
}

TEST(StatusText, NamesWhoRunsBeforeEdgefw) {
    kernel::Status status = two_cards();
    status.cards.front().card.forerunners = {{"tcx egress", 45, "mirror"}, {"clsact egress", 0, ""}};
    EXPECT_EQ(
        status_text(status, 100),
        "NOT FIRST: eth0: program 45 (mirror) runs before edgefw at tcx egress, and what it lets pass edgefw never "
        "sees; `edgefw attach --first eth0` puts edgefw first\n"
        "NOT FIRST: eth0: a filter runs before edgefw at clsact egress, and what it lets pass edgefw never sees; "
        "remove it, or give it a place behind edgefw's\n" +
            status_text(two_cards(), 100));
    EXPECT_EQ(status_json(status)["interfaces"][0]["forerunners"][0].dump(),
              R"({"hook":"tcx egress","program":45,"name":"mirror"})");
}

// A card whose pins are gone is in no table.
TEST(StatusText, NamesWhatIsLostFirst) {
    kernel::HookedCard lost;
    lost.interface = "eth0";
    lost.ifindex = 2;
    lost.holds[EDGEFW_SENT] = true;
    kernel::Status status = two_cards();
    status.hooked = {lost};
    EXPECT_TRUE(status_text(status, 100).starts_with("NOT FILTERING: eth0: its receiving hook is lost"));
    status.cards.clear();
    EXPECT_TRUE(status_text(status, 100).starts_with("NOT FILTERING: eth0: its receiving hook is lost"));
    EXPECT_EQ(status_json(status)["not_filtering"].dump(),
              R"([{"interface":"eth0","ifindex":2,"side":"external","holds":{"received":false,"sent":true},)"
              R"("pinned":false,"unfinished":false}])");
    status.hooked.front().holds[EDGEFW_RECEIVED] = true;
    EXPECT_EQ(status_json(status)["not_filtering"].dump(), "[]");
}

kernel::Status with_a_card_of_the_wrong_side() {
    kernel::Status status = two_cards();
    status.cards.front().card.without_rules = true;
    return status;
}

constexpr const char* kWrongSide =
    "eth0: no rule of the policy is for external cards, so the default decides alone; add rules with `side: "
    "external`, or, if the card faces the other way: edgefw detach eth0 && edgefw attach eth0 --side internal --policy "
    "FILE";

TEST(StatusText, NamesACardOfTheWrongSide) {
    const kernel::Status status = with_a_card_of_the_wrong_side();
    EXPECT_EQ(status_text(status, 100), std::string("NO RULE: ") + kWrongSide + "\n" + status_text(two_cards(), 100));
    EXPECT_EQ(status_json(status)["interfaces"][0]["without_rules"], true);
    EXPECT_EQ(status_json(status)["interfaces"][1]["without_rules"], false);
}

TEST(CardWarnings, AreWhatStatusSaysAndWhatTheCardDoesNotDoWell) {
    kernel::Card card = with_a_card_of_the_wrong_side().cards.front().card;
    card.warning = "slow";
    EXPECT_EQ(card_warnings(card), (std::vector<std::string>{"slow", kWrongSide}));
    EXPECT_TRUE(card_warnings(external_card()).empty());
}

TEST(StatusJson, HoldsClosedCards) {
    EXPECT_EQ(status_json(two_cards())["closed"].dump(), "[]");
    EXPECT_EQ(
        status_json(with_a_closed_card())["closed"].dump(),
        R"([{"interface":"eth0","ifindex":2,"received":{"passed":3,"dropped":40},"sent":{"passed":5,"dropped":0}}])");
}

TEST(StatusJson, HoldsTheSame) {
    const auto json = status_json(two_cards());
    EXPECT_EQ(json["generation"], 3);
    EXPECT_EQ(
        json["interfaces"][0].dump(),
        R"({"interface":"eth0","ifindex":2,"side":"external","mode":"native","egress":"tcx","generation":3,)"
        R"("adopts":0,"digest":"0123456789abcdef","programs":{"received":11,"sent":12},)"
        R"("forerunners":[],"without_rules":false,)"
        R"("maps":[{"map":"connections-ipv4","entries":12,"capacity":131072,"inserted":40,"removed":20,"recycled":8,)"
        R"("refused":3},{"map":"fragments-ipv4","entries":1,"capacity":4096}],)"
        R"("timeouts":{"tcp-opening":60,"tcp-established":60,"tcp-closing":61,"tcp-closed":61,"udp-one-way":62,)"
        R"("udp-answered":62,"udp-two-way":62,"icmp-echo":63,"other-one-way":64,"other-two-way":64,"tcp-unproven":65,)"
        R"("udp-query":65},"searches":[],"shadow":null})");
    EXPECT_TRUE(json["interfaces"][1]["digest"].is_null());
}

TEST(CardText, NamesSideAndHooks) {
    EXPECT_EQ(card_text(external_card()), "eth0 (external, native, tcx)");
}

}  // namespace
}  // namespace edgefw::show
