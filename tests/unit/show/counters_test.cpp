// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/counters.h"

#include <gtest/gtest.h>

#include "tests/unit/show/cards.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::vector<kernel::CardCounters>& cards) {
    return counters_json(cards);
}

TEST(CountersJson, HasTheShapeOfTheReference) {
    const ordered_json card = json_of({external_counters()})["interfaces"][0];
    std::vector<std::string> keys;
    for (const auto& [key, value] : card.items())
        keys.push_back(key);
    EXPECT_EQ(keys, (std::vector<std::string>{"interface", "side", "generation", "rules", "nat", "reasons",
                                              "directions", "total"}));
    EXPECT_EQ(card["interface"], "eth0");
    EXPECT_EQ(card["side"], "external");
    EXPECT_EQ(card["generation"], 3);
    EXPECT_EQ(card["rules"][0].dump(), R"({"id":"admin-ssh","packets":7,"bytes":420,"connections":1})");
    EXPECT_EQ(card["nat"].dump(), R"([{"id":"office/map","packets":5,"bytes":300,"connections":2}])");
}

TEST(CountersJson, RulesKeepTheirOrderAndBuiltinsFollow) {
    std::vector<std::string> ids;
    const ordered_json json = json_of({external_counters()});
    for (const ordered_json& rule : json["interfaces"][0]["rules"])
        ids.push_back(rule["id"]);
    EXPECT_EQ(
        ids, (std::vector<std::string>{"admin-ssh", "ocs/access-edge/external-443", "ocs/access-edge/internal-5061",
                                       "builtin/arp", "builtin/nd", "builtin/mld", "builtin/igmp", "builtin/link-local",
                                       "builtin/dhcp", "builtin/dhcpv6", "builtin/pppoe", "builtin/eapol",
                                       "builtin/segment-routing", "builtin/martian"}));
    EXPECT_EQ(json["interfaces"][0]["rules"][1]["packets"], 100);
    EXPECT_EQ(json["interfaces"][0]["rules"][2]["packets"], 0);
    EXPECT_EQ(json["interfaces"][0]["rules"][3]["packets"], 2);
}

TEST(CountersJson, EveryReasonIsListedAndTheySumToTheTotal) {
    const ordered_json card = json_of({external_counters()})["interfaces"][0];
    ASSERT_EQ(card["reasons"].size(), EDGEFW_REASON_COUNT);
    std::uint64_t packets = 0;
    for (const ordered_json& reason : card["reasons"])
        packets += reason["packets"].get<std::uint64_t>();
    EXPECT_EQ(packets, 45u);
    EXPECT_EQ(card["total"].dump(), R"({"packets":45,"bytes":2700})");
    EXPECT_EQ(card["reasons"][EDGEFW_REASON_RULE].dump(), R"({"reason":"rule","packets":42,"bytes":2520})");
    EXPECT_EQ(card["directions"][0].dump(),
              R"({"direction":"inbound","verdict":"pass","reason":"rule","packets":40,"bytes":2400})");
}

TEST(CountersJson, DirectionsAreThoseOfTheSide) {
    const ordered_json card = json_of({internal_counters()})["interfaces"][0];
    EXPECT_EQ(card["directions"][0]["direction"], "outbound");
    EXPECT_EQ(card["directions"][2]["direction"], "inbound");
}

TEST(CountersJson, ACardWithoutPolicyListsTheBuiltins) {
    kernel::CardCounters counters = external_counters();
    counters.listing = std::make_shared<const document::Listing>();
    const ordered_json card = json_of({counters})["interfaces"][0];
    EXPECT_EQ(card["rules"].size(), EDGEFW_BUILTIN_COUNT);
    EXPECT_EQ(card["nat"].size(), 0u);
}

TEST(CountersText, ListsTheRulesOfTheSideAndWhatWasSeen) {
    const std::string text = counters_text({external_counters()}, 80);
    EXPECT_EQ(text,
              "eth0 (external, generation 3)\n"
              "\n"
              "rule                          packets  bytes  connections\n"
              "admin-ssh                           7    420            1\n"
              "ocs/access-edge/external-443      100   6000            9\n"
              "builtin/arp                         2    120            0\n"
              "\n"
              "nat         packets  bytes  connections\n"
              "office/map        5    300            2\n"
              "\n"
              "reason   direction  verdict  packets  bytes\n"
              "rule     inbound    pass          40   2400\n"
              "default  inbound    drop           3    180\n"
              "rule     outbound   pass           2    120\n"
              "\n"
              "total: 45 packets, 2700 bytes\n");
}

TEST(CountersText, AnInternalCardHasNoNatAndOtherDirections) {
    const std::string text = counters_text({internal_counters()}, 80);
    EXPECT_EQ(text.find("office/map"), std::string::npos);
    EXPECT_EQ(text.find("admin-ssh"), std::string::npos);
    EXPECT_NE(text.find("rule     outbound   pass          40"), std::string::npos);
}

TEST(CountersText, ACardWithoutPolicySaysSo) {
    kernel::CardCounters counters;
    counters.card = external_card();
    counters.card.generation = 0;
    const std::string text = counters_text({counters}, 80);
    EXPECT_EQ(text, "eth0 (external, no policy: everything passes)\n\ntotal: 0 packets, 0 bytes\n");
}

}  // namespace
}  // namespace edgefw::show
