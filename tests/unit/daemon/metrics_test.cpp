// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/unit/daemon/body_text.h"
#include "tests/unit/show/cards.h"

namespace edgefw::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string rendered(const Snapshot& snapshot, Exported exported = Exported::kAll) {
    return whole(*daemon::render(snapshot, exported));
}

// The lines of one family, its HELP and TYPE among them.
std::string family(const std::string& text, const std::string& name) {
    std::istringstream lines(text);
    std::string found;
    for (std::string line; std::getline(lines, line);) {
        const bool comment = line.starts_with("# HELP " + name + " ") || line.starts_with("# TYPE " + name + " ");
        if (comment || line.starts_with(name + "{") || line.starts_with(name + " ")) found += line + "\n";
    }
    return found;
}

Snapshot one_card() {
    Snapshot snapshot;
    snapshot.version = "0.1.0";
    snapshot.cards.push_back(show::external_counters());
    snapshot.status.push_back(
        {show::external_card(),
         {{"connections-ipv4", 12, 131072, kernel::Turnover{40, 20, 8, 3}}, {"fragments-ipv4", 1, 4096}}});
    return snapshot;
}

TEST(Metrics, RulesOfTheCardsSideAndBuiltins) {
    const std::string labels = R"(interface="eth0",side="external",direction=)";
    EXPECT_EQ(
        family(rendered(one_card()), "edgefw_rule_packets_total"),
        "# HELP edgefw_rule_packets_total Frames on the wire, by rule. `direction` is the rule's: of what opens a "
        "connection, whose packets both ways count here.\n"
        "# TYPE edgefw_rule_packets_total counter\n"
        "edgefw_rule_packets_total{" +
            labels +
            R"("inbound",rule="admin-ssh",profile="",action="pass"} 7)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="ocs/access-edge/external-443",profile="ocs2007",action="pass"} 100)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/arp",profile="",action="pass"} 2)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/nd",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/mld",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/igmp",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/link-local",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/dhcp",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/dhcpv6",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/pppoe",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/eapol",profile="",action="pass"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/segment-routing",profile="",action="drop"} 0)"
            "\n"
            "edgefw_rule_packets_total{" +
            labels +
            R"("both",rule="builtin/martian",profile="",action="drop"} 0)"
            "\n");
}

TEST(Metrics, BytesAndConnectionsBesidePackets) {
    const std::string text = rendered(one_card());
    EXPECT_THAT(
        text,
        HasSubstr(
            R"(edgefw_rule_bytes_total{interface="eth0",side="external",direction="inbound",rule="admin-ssh",profile="",action="pass"} 420)"));
    EXPECT_THAT(
        text,
        HasSubstr(
            R"(edgefw_rule_connections_total{interface="eth0",side="external",direction="inbound",rule="admin-ssh",profile="",action="pass"} 1)"));
    EXPECT_THAT(text, HasSubstr("# TYPE edgefw_rule_bytes_total counter\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE edgefw_rule_connections_total counter\n"));
}

TEST(Metrics, OfAShadow) {
    Snapshot snapshot = one_card();
    EXPECT_EQ(rendered(snapshot).find("edgefw_shadow_asked_total{"), std::string::npos);
    snapshot.status.front().shadow = kernel::CardShadow{.interface = "eth0", .asked = 12, .different = 3};
    const std::string text = rendered(snapshot);
    EXPECT_THAT(text, HasSubstr("edgefw_shadow_asked_total{interface=\"eth0\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_shadow_different_total{interface=\"eth0\"} 3\n"));
}

TEST(Metrics, NatGeneralGaugesAndBuild) {
    const std::string text = rendered(one_card());
    EXPECT_EQ(family(text, "edgefw_nat_packets_total"),
              "# HELP edgefw_nat_packets_total Frames on the wire, by nat.\n"
              "# TYPE edgefw_nat_packets_total counter\n"
              "edgefw_nat_packets_total{interface=\"eth0\",nat=\"office/map\"} 5\n");
    EXPECT_THAT(text, HasSubstr("edgefw_generation{interface=\"eth0\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_push_waits_seconds 0\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_push_fell_back 0\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_forerunners{interface=\"eth0\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_map_entries{interface=\"eth0\",map=\"connections-ipv4\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_map_capacity{interface=\"eth0\",map=\"connections-ipv4\"} 131072\n"));
    for (const char* line : {"inserted_total{interface=\"eth0\",map=\"connections-ipv4\"} 40\n",
                             "removed_total{interface=\"eth0\",map=\"connections-ipv4\"} 20\n",
                             "recycled_total{interface=\"eth0\",map=\"connections-ipv4\"} 8\n",
                             "refused_total{interface=\"eth0\",map=\"connections-ipv4\"} 3\n"})
        EXPECT_THAT(text, HasSubstr(std::string("\nedgefw_map_") + line));
    EXPECT_THAT(text, HasSubstr("# TYPE edgefw_map_recycled_total counter\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_map_entries{interface=\"eth0\",map=\"fragments-ipv4\"} 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("_total{interface=\"eth0\",map=\"fragments-ipv4\"}")));
    EXPECT_THAT(
        text, HasSubstr("edgefw_build_info{version=\"0.1.0\",abi=\"" + std::to_string(EDGEFW_ABI_VERSION) + "\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_scrape_success 1\n"));
}

TEST(Metrics, ReasonsByDirectionAndVerdict) {
    const std::string text = rendered(one_card());
    const std::string labels = R"({interface="eth0",side="external",direction=)";
    EXPECT_THAT(text,
                HasSubstr("edgefw_reason_packets_total" + labels + R"("inbound",reason="rule",verdict="pass"} 40)"));
    EXPECT_THAT(text,
                HasSubstr("edgefw_reason_packets_total" + labels + R"("outbound",reason="rule",verdict="pass"} 2)"));
    EXPECT_THAT(text,
                HasSubstr("edgefw_reason_bytes_total" + labels + R"("inbound",reason="default",verdict="drop"} 180)"));
    EXPECT_THAT(text,
                HasSubstr("edgefw_reason_packets_total" + labels + R"("inbound",reason="revoked",verdict="drop"} 0)"));
    EXPECT_THAT(text, Not(HasSubstr(R"(reason="revoked",verdict="pass")")));
}

TEST(Metrics, AReasonThatShouldNotOccurIsShownWhenItDoes) {
    Snapshot snapshot = one_card();
    snapshot.cards[0].reasons[EDGEFW_SENT][EDGEFW_PASS][EDGEFW_REASON_REVOKED] = {1, 60};
    EXPECT_THAT(rendered(snapshot), HasSubstr(R"(direction="outbound",reason="revoked",verdict="pass"} 1)"));
}

TEST(Metrics, PushesOnlyWhereAFileIsWatched) {
    Snapshot snapshot = one_card();
    EXPECT_THAT(rendered(snapshot), Not(HasSubstr("edgefw_push_total")));
    snapshot.pushes = PushResults{4, 2, 1, false, 3};
    const std::string text = rendered(snapshot);
    EXPECT_EQ(family(text, "edgefw_push_total"),
              "# HELP edgefw_push_total Pushes of the watched policy file, by result.\n"
              "# TYPE edgefw_push_total counter\n"
              "edgefw_push_total{result=\"ok\"} 4\n"
              "edgefw_push_total{result=\"rejected\"} 2\n"
              "edgefw_push_total{result=\"failed\"} 1\n");
    EXPECT_THAT(text, HasSubstr("edgefw_policy_last_push_success 0\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_policy_errors 3\n"));
}

TEST(Metrics, FollowAPushAndACardThatGoes) {
    Snapshot snapshot = one_card();
    snapshot.cards.push_back(show::internal_counters());
    EXPECT_THAT(rendered(snapshot), HasSubstr("eth1"));
    snapshot.cards.pop_back();
    snapshot.cards[0].listing = std::make_shared<const document::Listing>(document::Listing{
        {{"other", "", policy::Side::kExternal, policy::Direction::kInbound, policy::Action::kPass, 1024}}, {}});
    const std::string text = rendered(snapshot);
    EXPECT_THAT(text, HasSubstr(R"(rule="other",profile="",action="pass"} 7)"));
    EXPECT_THAT(text, Not(HasSubstr("admin-ssh")));
    EXPECT_THAT(text, Not(HasSubstr("eth1")));
}

// A rule without a packet goes with its three counters; built-in rules, reasons and gauges stay.
TEST(Metrics, CountedOnesAlone) {
    Snapshot snapshot = one_card();
    snapshot.cards.push_back(show::internal_counters());
    snapshot.cards[0].slots[1024] = {};
    snapshot.cards[0].slots[32] = {};
    snapshot.cards[0].slots[1026].connections = 0;
    const std::string all = rendered(snapshot);
    const std::string counted = rendered(snapshot, Exported::kCounted);
    EXPECT_THAT(all, HasSubstr("admin-ssh"));
    EXPECT_THAT(all, HasSubstr("office/map"));
    EXPECT_THAT(all, HasSubstr("ocs/access-edge/internal-5061"));
    for (const char* idle : {"admin-ssh", "office/map", "ocs/access-edge/internal-5061"})
        EXPECT_THAT(counted, Not(HasSubstr(idle)));
    EXPECT_THAT(counted, HasSubstr(R"(rule="ocs/access-edge/external-443",profile="ocs2007",action="pass"} 100)"));
    EXPECT_THAT(family(counted, "edgefw_rule_connections_total"),
                HasSubstr(R"(rule="ocs/access-edge/external-443",profile="ocs2007",action="pass"} 0)"));
    EXPECT_THAT(counted, HasSubstr(R"(rule="builtin/martian",profile="",action="drop"} 0)"));
    EXPECT_THAT(counted, HasSubstr("# TYPE edgefw_nat_packets_total counter\n"));
    for (const char* name : {"edgefw_reason_packets_total", "edgefw_generation", "edgefw_map_entries",
                             "edgefw_map_refused_total", "edgefw_build_info"})
        EXPECT_EQ(family(counted, name), family(all, name)) << name;
}

// Whatever is read in pieces is what would be read at once, and each piece is bounded.
TEST(Metrics, ALongPageComesInPieces) {
    Snapshot snapshot = one_card();
    document::Listing listing;
    for (int i = 0; i < 5000; ++i)
        listing.rules.push_back({"rule-" + std::to_string(i), "", policy::Side::kExternal, policy::Direction::kInbound,
                                 policy::Action::kPass, 1024});
    snapshot.cards[0].listing = std::make_shared<const document::Listing>(listing);
    const auto body = daemon::render(snapshot, Exported::kAll);
    Body::Place place;
    std::size_t pieces = 0;
    for (std::string piece = body->read(place); !piece.empty(); piece = body->read(place), ++pieces) {
        EXPECT_LT(piece.size(), kPieceBytes + 8192);
        EXPECT_EQ(piece.back(), '\n');
    }
    EXPECT_GT(pieces, 10u);
    const std::string text = whole(*body);
    for (const char* name : {"edgefw_rule_packets_total", "edgefw_rule_bytes_total", "edgefw_rule_connections_total"}) {
        const std::string lines = family(text, name);
        EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2 + 5000 + EDGEFW_BUILTIN_COUNT) << name;
        EXPECT_THAT(lines, HasSubstr("rule=\"rule-0\""));
        EXPECT_THAT(lines, HasSubstr("rule=\"rule-4999\""));
    }
}

// A body is read for as long as a client takes; the listing may be gone from all other places by then.
TEST(Metrics, ABodyKeepsWhatItReads) {
    std::shared_ptr<const Body> body;
    {
        Snapshot snapshot = one_card();
        body = daemon::render(std::move(snapshot), Exported::kAll);
    }
    EXPECT_THAT(whole(*body), HasSubstr("admin-ssh"));
}

TEST(Metrics, LabelsAreEscaped) {
    Snapshot snapshot = one_card();
    snapshot.hosts.push_back({"a\"b\\c\nd", 1, 0, true, 0, 0});
    EXPECT_THAT(rendered(snapshot), HasSubstr(R"(edgefw_host_addresses{host="a\"b\\c\nd"} 1)"));
}

TEST(Metrics, AnUnreadableKernelStillExportsTheProcess) {
    Snapshot snapshot;
    snapshot.complete = false;
    snapshot.version = "0.1.0";
    EXPECT_THAT(rendered(snapshot), HasSubstr("edgefw_scrape_success 0\n"));
}

}  // namespace
}  // namespace edgefw::daemon
