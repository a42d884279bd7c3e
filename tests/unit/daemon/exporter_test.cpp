// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "tests/unit/daemon/body_text.h"
#include "tests/unit/show/cards.h"

namespace edgefw::daemon {
namespace {

using testing::HasSubstr;

class ExporterTest : public testing::Test {
protected:
    ExporterTest()
        : log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(messages)),
          exporter({[this] { return cards; }, [this](bool) { return status; }}, "0.1.0", log) {
        log.set_pattern("%v");
        kernel::Status one_card;
        one_card.cards.push_back({show::external_card(), {{"connections-ipv4", 12, 131072}}});
        status = one_card;
        cards = std::vector<kernel::CardCounters>{show::external_counters()};
    }

    std::string metrics() { return whole(*exporter.metrics(Exported::kAll)); }

    Result<std::vector<kernel::CardCounters>> cards = failed("unset");
    Result<kernel::Status> status = failed("unset");
    std::ostringstream messages;
    spdlog::logger log;
    Exporter exporter;
};

TEST_F(ExporterTest, ExportsCountersOccupancyAndPushes) {
    exporter.set_pushes({1, 0, 0, true, 0});
    const std::string text = metrics();
    EXPECT_THAT(text, HasSubstr("rule=\"admin-ssh\""));
    EXPECT_THAT(text, HasSubstr("edgefw_map_entries{interface=\"eth0\",map=\"connections-ipv4\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_push_total{result=\"ok\"} 1\n"));
}

// While packets go on what was recycled is known from below; the counter does not shrink for it.
TEST_F(ExporterTest, WhatWasRecycledNeverShrinks) {
    const auto recycled = [this](std::uint32_t ifindex, kernel::Turnover turnover) {
        kernel::CardStatus card{show::external_card(), {{"connections-ipv4", 12, 16, turnover}}};
        card.card.ifindex = static_cast<int>(ifindex);
        status = kernel::Status{0, {card}};
        const std::string text = metrics();
        const std::string name = "\nedgefw_map_recycled_total{interface=\"eth0\",map=\"connections-ipv4\"} ";
        const std::size_t at = text.find(name);
        return at == std::string::npos ? -1 : std::stoi(text.substr(at + name.size()));
    };
    EXPECT_EQ(recycled(2, {100, 10, 78, 0}), 78);
    EXPECT_EQ(recycled(2, {120, 12, 70, 0}), 78);
    EXPECT_EQ(recycled(2, {130, 12, 90, 0}), 90);
    EXPECT_EQ(recycled(3, {5, 0, 0, 0}), 0) << "attached anew";
}

TEST_F(ExporterTest, AKernelThatCannotBeReadIsLoggedOnceAndShows) {
    cards = failed("nothing is attached");
    EXPECT_THAT(metrics(), HasSubstr("edgefw_scrape_success 0\n"));
    metrics();
    EXPECT_EQ(messages.str(), "counters: nothing is attached\n");
}

TEST_F(ExporterTest, IsHealthyWhileACardIsAttached) {
    EXPECT_TRUE(exporter.health());
    status = kernel::Status{};
    const Result<Ok> health = exporter.health();
    ASSERT_FALSE(health);
    EXPECT_THAT(health.error().message, HasSubstr("no card is attached"));
    status = failed("no bpffs");
    EXPECT_EQ(exporter.health().error().message, "no bpffs");
}

TEST_F(ExporterTest, IsUnhealthyWhileSomebodyRunsBeforeEdgefw) {
    status->cards.front().card.forerunners = {{"tcx egress", 45, "mirror"}};
    const Result<Ok> health = exporter.health();
    ASSERT_FALSE(health);
    EXPECT_THAT(health.error().message, HasSubstr("program 45 (mirror) runs before edgefw at tcx egress"));
}

// Also where the card is in no list of what is attached any more.
TEST_F(ExporterTest, ALostHookIsToldAndUnhealthy) {
    kernel::HookedCard lost;
    lost.interface = "eth1";
    lost.holds[EDGEFW_SENT] = true;
    lost.is_pinned = true;
    status->hooked = {lost};
    const Result<Ok> health = exporter.health();
    ASSERT_FALSE(health);
    EXPECT_THAT(health.error().message, HasSubstr("NOT FILTERING: eth1: its receiving hook is lost"));
    Exporter of_lost({[this] { return cards; },
                      [this](bool) { return status; },
                      {},
                      [&] { return Result<std::vector<kernel::HookedCard>>(std::vector{lost}); }},
                     "0.1.0", log);
    const std::string text = whole(*of_lost.metrics(Exported::kAll));
    EXPECT_THAT(text, HasSubstr("edgefw_hook_attached{interface=\"eth1\",hook=\"received\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("edgefw_hook_attached{interface=\"eth1\",hook=\"sent\"} 1\n"));
}

// Also where nothing else is there to be read: that is when somebody must hear of it.
TEST_F(ExporterTest, AClosedCardIsToldAndUnhealthy) {
    const kernel::ClosedCard closed{"eth0", 2, {kernel::ClosedCounts{3, 40}, std::nullopt}};
    Exporter of_closed({[] { return Result<std::vector<kernel::CardCounters>>(failed("no card is attached")); },
                        [&](bool) {
                            return Result<kernel::Status>(kernel::Status{0, {}, {closed}});
                        },
                        [&] { return Result<std::vector<kernel::ClosedCard>>(std::vector{closed}); }},
                       "0.1.0", log);
    const std::string text = whole(*of_closed.metrics(Exported::kAll));
    EXPECT_THAT(text, HasSubstr("edgefw_interface_closed{interface=\"eth0\"} 1\n"));
    EXPECT_THAT(text,
                HasSubstr("edgefw_closed_packets_total{interface=\"eth0\",hook=\"received\",verdict=\"drop\"} 40\n"));
    EXPECT_EQ(text.find("edgefw_closed_packets_total{interface=\"eth0\",hook=\"sent\""), std::string::npos)
        << "what cannot be read is no zero";
    EXPECT_EQ(of_closed.health().error().message, "eth0 is closed until its policy is in force");
    EXPECT_EQ(metrics().find("edgefw_interface_closed"), std::string::npos);
}

TEST_F(ExporterTest, WhoKeepsAPolicyIsHealthyOnceOneIsInForce) {
    status->cards[0].card.generation = 0;
    EXPECT_TRUE(exporter.health());
    exporter.set_pushes({});
    EXPECT_FALSE(exporter.health());
    status->cards[0].card.generation = 1;
    EXPECT_TRUE(exporter.health());
}

}  // namespace
}  // namespace edgefw::daemon
