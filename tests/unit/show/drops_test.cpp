// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/drops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "userspace/packet/notation.h"

namespace edgefw::show {
namespace {

using testing::HasSubstr;

// A record of the packet, at so many milliseconds.
DropRow row(const std::string& notation, std::uint64_t time, std::uint32_t count = 1) {
    const auto packet = packet::parse(notation);
    EXPECT_TRUE(packet) << notation;
    kernel::Drop drop;
    drop.interface = "eth0";
    drop.side = packet->side;
    drop.hook = packet->hook();
    drop.reason = EDGEFW_REASON_DEFAULT;
    drop.generation = 3;
    drop.time = time;
    drop.count = count;
    drop.frame = packet::frame(*packet);
    drop.length = static_cast<std::uint32_t>(drop.frame.size());
    return row_of(std::move(drop));
}

constexpr const char* kWeb = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 vlan 12";
constexpr const char* kSent = "external outbound udp 192.0.2.20:7000 > 198.51.100.9:53";

bool picks(const std::vector<std::string>& words, const DropRow& row) {
    const auto filter = DropFilter::parse(words);
    EXPECT_TRUE(filter) << filter.error().message;
    return filter && filter->picks(row);
}

TEST(Drops, AFlowIsOneRowAndTheNewestPacketIsItsOwn) {
    DropRow other_reason = row(kWeb, 50);
    other_reason.newest.reason = EDGEFW_REASON_MARTIAN;
    DropRow other_generation = row(kWeb, 40);
    other_generation.newest.generation = 4;
    const auto rows = grouped({row(kWeb, 10, 2), row(kWeb, 30), row(kSent, 20), other_reason, other_generation});
    ASSERT_EQ(rows.size(), 4u);
    EXPECT_EQ(rows[0].newest.reason, EDGEFW_REASON_MARTIAN);
    EXPECT_EQ(rows[1].newest.generation, 4u);
    EXPECT_EQ(rows[2].newest.time, 30u);
    EXPECT_EQ(rows[2].first, 10u);
    EXPECT_EQ(rows[2].count, 3u);
    EXPECT_EQ(rows[3].direction(), "outbound");
}

TEST(Drops, EachWordOfAFilterPicks) {
    DropRow web = row(kWeb, 10);
    web.newest.rule = "hq.block-web";
    web.newest.nat = "web-forward";
    const DropRow sent = row(kSent, 10);
    for (const char* word :
         {"198.51.100.9", "192.0.2.0/24", "source=198.51.100.9", "destination=192.0.2.20", "remote=198.51.100.0/24",
          "local=192.0.2.20", "source_port=40000", "destination_port=443", "remote_port=40000", "local_port=443",
          "vlan=12", "protocol=tcp", "direction=inbound", "interface=eth0", "side=external", "reason=default",
          "rule=hq.block-web", "nat=web-forward"}) {
        EXPECT_TRUE(picks({word}, web)) << word;
    }
    for (const char* word :
         {"source=198.51.100.9", "destination=192.0.2.20", "remote_port=7000", "local_port=443", "vlan=12",
          "protocol=tcp", "direction=inbound", "rule=hq.block-web", "nat=web-forward", "203.0.113.1"}) {
        EXPECT_FALSE(picks({word}, sent)) << word;
    }
    // Of what was sent the source is the local end.
    EXPECT_TRUE(picks({"local=192.0.2.20", "local_port=7000", "remote=198.51.100.9", "remote_port=53"}, sent));
    EXPECT_FALSE(picks({"protocol=udp", "remote_port=54"}, sent)) << "all words pick, not one of them";
    EXPECT_TRUE(picks({}, sent));
}

TEST(Drops, AWordThatPicksNothingIsNamedWithWhatCanBeWritten) {
    const std::pair<const char*, const char*> wrong[] = {
        {"web", "KEY=VALUE with interface"},       {"color=red", "there is no key 'color'"},
        {"source=", "nothing behind the ="},       {"source=10.0.0.300", "'source=10.0.0.300' picks no packets"},
        {"local_port=65536", "from 0 to 65535"},   {"vlan=4096", "from 0 to 4095"},
        {"reason=because", "no such reason"},      {"side=left", "external or internal"},
        {"direction=both", "inbound or outbound"}, {"protocol=tpc", "a protocol is tcp"},
    };
    for (const auto& [word, says] : wrong) {
        const auto filter = DropFilter::parse({word});
        ASSERT_FALSE(filter) << word;
        EXPECT_EQ(filter.error().kind, ErrorKind::kUsage);
        EXPECT_THAT(filter.error().message, HasSubstr(says)) << word;
    }
}

TEST(Drops, AsTextTheySayWhatNoRecordTellsOf) {
    DropRow web = row(kWeb, 10, 3);
    web.newest.rule = "block";
    web.newest.slot = 5;
    web.where = "edge.yaml:7:3";
    web.now = {true, "web-alt", ""};
    kernel::CardDrops card;
    card.interface = "eth0";
    card.dropped[EDGEFW_RECEIVED][EDGEFW_REASON_DEFAULT] = 10;
    card.recorded[EDGEFW_RECEIVED][EDGEFW_REASON_DEFAULT] = 3;
    const std::string text = drops_text({web}, {card}, 200);
    EXPECT_THAT(text, HasSubstr("tcp       198.51.100.9:40000  192.0.2.20:443  default  block (edge.yaml:7:3)"));
    EXPECT_THAT(text, HasSubstr("now passes: rule web-alt"));
    EXPECT_THAT(text, HasSubstr("3 packets in 1 flow\n"));
    EXPECT_THAT(text, HasSubstr("eth0 inbound default: 7 of 10 packets were counted and not recorded\n"));
    EXPECT_EQ(drop_comment(web),
              "edgefw: drop, reason default, rule block (edge.yaml:7:3), generation 3, 3 packets within a second; "
              "now passes: rule web-alt");
    // The slot of a generation that is gone may be another rule's.
    web.newest.rule.clear();
    EXPECT_THAT(drops_text({web}, {}, 200), HasSubstr("one of generation 3"));
}

TEST(Drops, AsJsonWhatIsUnknownIsNull) {
    const auto json = drop_json(row(kSent, 1'500));
    EXPECT_EQ(json["time"], "1970-01-01T00:00:01.500Z");
    EXPECT_EQ(json["source_port"], 7000);
    EXPECT_EQ(json["rule"], nullptr);
    EXPECT_EQ(json["vlan"], nullptr);
    EXPECT_EQ(json["would_pass"], nullptr);
    // A frame that ends within its headers has no ends.
    kernel::Drop cut;
    cut.frame = {1, 2, 3};
    const auto nothing = drop_json(row_of(std::move(cut)));
    EXPECT_EQ(nothing["protocol"], "?");
    EXPECT_EQ(nothing["source"], nullptr);
}

}  // namespace
}  // namespace edgefw::show
