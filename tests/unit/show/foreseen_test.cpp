// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/foreseen.h"

#include <gtest/gtest.h>

#include "userspace/packet/notation.h"

namespace edgefw::show {
namespace {

// A flow that dropped, and what passes it now; `passes` empty: nothing does.
DropRow dropped(const std::string& packet, std::uint64_t count, const std::string& passes) {
    const auto parsed = packet::parse(packet);
    EXPECT_TRUE(parsed) << packet;
    kernel::Drop drop;
    drop.interface = "eth0";
    drop.side = parsed->side;
    drop.hook = parsed->hook();
    drop.frame = packet::frame(*parsed);
    DropRow row = row_of(std::move(drop));
    row.count = count;
    row.now = {!passes.empty(), passes, "rule"};
    return row;
}

TEST(Foreseen, DropsThatWouldPass) {
    Foreseen foreseen{that_would_pass({
        dropped("external inbound tcp 198.51.100.9:40000 > 192.0.2.10:25", 7, ""),
        dropped("external inbound udp 198.51.100.9:7000 > 192.0.2.10:53", 1, "dns"),
        dropped("external inbound tcp 198.51.100.9:40001 > 192.0.2.10:443", 3, "web"),
    })};
    EXPECT_EQ(foreseen_text(foreseen, 10),
              "4 recorded drops of the last 10 minutes would pass:\n"
              "  3 packets, eth0 inbound tcp 198.51.100.9:40001 > 192.0.2.10:443: rule web\n"
              "  1 packet, eth0 inbound udp 198.51.100.9:7000 > 192.0.2.10:53: rule dns\n");
    const auto json = foreseen_json(foreseen, 10);
    EXPECT_EQ(json["minutes"], 10);
    ASSERT_EQ(json["drops"].size(), 2u);
    EXPECT_EQ(json["drops"][0]["would_pass"], "web");
    EXPECT_EQ(json["drops"][0]["count"], 3);
    EXPECT_EQ(foreseen_text({}, 10), "");
}

TEST(Foreseen, TwentyFlowsAreNamed) {
    std::vector<DropRow> rows;
    for (int i = 0; i < 23; ++i)
        rows.push_back(
            dropped("external inbound udp 198.51.100.9:" + std::to_string(5000 + i) + " > 192.0.2.10:53", 1, "dns"));
    const Foreseen foreseen{that_would_pass(std::move(rows))};
    const std::string text = foreseen_text(foreseen, 10);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 22) << text;
    EXPECT_NE(text.find("\n  and 3 more flows\n"), std::string::npos) << text;
    EXPECT_EQ(foreseen_json(foreseen, 10)["drops"].size(), 23u);
}

difference::Change change(difference::Kind kind, const std::string& from, const std::string& box, std::size_t more) {
    difference::Change change;
    change.kind = kind;
    change.from = {policy::Action::kPass, from, false, ""};
    change.boxes = {box};
    change.more = more;
    return change;
}

TEST(Foreseen, OpenersThatWouldDrop) {
    using difference::Kind;
    difference::Difference difference;
    difference.changes = {change(Kind::kNarrowed, "web", "box-1", 2), change(Kind::kNarrowed, "web", "box-2", 0),
                          change(Kind::kNarrowed, "ssh", "box-3", 0), change(Kind::kNarrowed, "quiet", "box-4", 0),
                          change(Kind::kNarrowed, "", "box-5", 0),    change(Kind::kWidened, "dns", "box-6", 0),
                          change(Kind::kRule, "dns", "box-7", 0)};
    const Foreseen foreseen{{}, openers_that_drop(difference, {{"web", 5}, {"ssh", 9}, {"quiet", 0}, {"dns", 3}})};
    EXPECT_EQ(foreseen_text(foreseen, 10),
              "rule ssh opened 9 connections; of its packets these would drop:\n"
              "  box-3\n"
              "rule web opened 5 connections; of its packets these would drop:\n"
              "  box-1\n"
              "  box-2\n"
              "  and 2 more boxes\n");
    const auto json = foreseen_json(foreseen, 10);
    ASSERT_EQ(json["openers"].size(), 2u);
    EXPECT_EQ(json["openers"][1].dump(), R"({"rule":"web","opened":5,"boxes":["box-1","box-2"],"more":2})");
}

}  // namespace
}  // namespace edgefw::show
