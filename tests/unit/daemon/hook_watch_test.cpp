// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/hook_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "userspace/show/hooks.h"

namespace edgefw::daemon {
namespace {

using kernel::HookedCard;
using testing::HasSubstr;

HookedCard card(bool received, bool sent, bool is_pinned = true) {
    HookedCard card;
    card.interface = "eth0";
    card.ifindex = 2;
    card.holds[EDGEFW_RECEIVED] = received;
    card.holds[EDGEFW_SENT] = sent;
    card.is_pinned = is_pinned;
    return card;
}

TEST(LossLine, NamesWhatIsLostAndTheNextStep) {
    EXPECT_EQ(show::loss_line(card(true, true)), "");
    EXPECT_EQ(
        show::loss_line(card(false, true)),
        "eth0: its receiving hook is lost, and what it receives passes unjudged; `edgefw attach --again eth0` puts "
        "back what is lost");
    EXPECT_EQ(
        show::loss_line(card(true, false)),
        "eth0: its sending hook is lost, and what it sends passes unjudged; `edgefw attach --again eth0` puts back "
        "what is lost");
    HookedCard gone = card(false, false, false);
    gone.side = policy::Side::kInternal;
    EXPECT_EQ(show::loss_line(gone),
              "eth0: both its hooks are lost, and everything passes unjudged, and what was pinned of it is gone, too; "
              "`edgefw attach eth0 --side internal --policy FILE` attaches it anew, `edgefw detach eth0` forgets it");
    HookedCard half = card(false, true);
    half.is_unfinished = true;
    EXPECT_EQ(
        show::loss_line(half),
        "eth0 is half attached: an attach or a detach was killed, and its sending hook alone is in force; `edgefw "
        "detach eth0` takes it off");
    EXPECT_EQ(show::loss_lines({card(true, true), half, card(false, true)}).size(), 2u);
    EXPECT_THAT(show::loss_lines({half}).front(), testing::StartsWith("HALF ATTACHED: eth0"));
    EXPECT_THAT(show::loss_lines({gone}).front(), testing::StartsWith("NOT FILTERING: eth0"));
}

class HookWatchTest : public testing::Test {
protected:
    HookWatchTest() : log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(messages)) { log.set_pattern("%v"); }

    HookWatch watch(bool keeps) {
        HookWatch::Keep keep;
        if (keeps) {
            keep = [this](const HookedCard& lost) {
                kept.push_back(lost.interface);
                return result;
            };
        }
        return {[this] { return cards; },
                [this] {
                    mended++;
                    return Result<Ok>(Ok{});
                },
                keep};
    }
    // What is logged by a look, after so many seconds.
    std::string look(HookWatch& watch, int seconds) {
        messages.str("");
        EXPECT_EQ(watch.look(HookWatch::Clock::time_point(std::chrono::seconds(seconds)), log),
                  std::chrono::milliseconds(1000));
        return messages.str();
    }

    Result<std::vector<HookedCard>> cards = std::vector<HookedCard>{card(true, true)};
    Result<Ok> result = Ok{};
    std::vector<std::string> kept;
    int mended = 0;
    std::ostringstream messages;
    spdlog::logger log;
};

TEST_F(HookWatchTest, SaysALossOnceAndItsEnd) {
    HookWatch watched = watch(false);
    EXPECT_EQ(look(watched, 0), "");
    (*cards)[0] = card(false, true);
    EXPECT_THAT(look(watched, 1), HasSubstr("NOT FILTERING: eth0: its receiving hook is lost"));
    EXPECT_EQ(look(watched, 2), "");
    (*cards)[0] = card(true, true);
    EXPECT_EQ(look(watched, 3), "every attached card filters again, and edgefw comes first\n");
    EXPECT_EQ(look(watched, 4), "");
}

TEST_F(HookWatchTest, SaysOnceWhoRunsBeforeEdgefw) {
    HookWatch watched = watch(false);
    (*cards)[0].forerunners = {{"tcx egress", 45, "mirror"}};
    EXPECT_THAT(look(watched, 0), HasSubstr("NOT FIRST: eth0: program 45 (mirror) runs before edgefw at tcx egress"));
    EXPECT_EQ(look(watched, 1), "");
    (*cards)[0].forerunners.push_back({"tcx ingress", 46, "count"});
    const std::string said = look(watched, 2);
    EXPECT_THAT(said, HasSubstr("program 46 (count)"));
    EXPECT_THAT(said, testing::Not(HasSubstr("program 45")));
}

TEST_F(HookWatchTest, MendsWhatAKilledCommandHasLeft) {
    HookWatch watched = watch(true);
    (*cards)[0] = card(false, true);
    (*cards)[0].is_unfinished = true;
    EXPECT_THAT(look(watched, 0), HasSubstr("what a killed attach or detach had left of eth0 is removed"));
    EXPECT_EQ(mended, 1);
    EXPECT_TRUE(kept.empty()) << "nobody wants it attached";
}

TEST_F(HookWatchTest, PutsBackWhereItIsToldTo) {
    HookWatch watched = watch(true);
    look(watched, 0);
    EXPECT_TRUE(kept.empty());
    (*cards)[0] = card(false, true);
    EXPECT_THAT(look(watched, 1), HasSubstr("eth0 had lost a hook and is attached again"));
    EXPECT_EQ(kept.size(), 1u);
    result = failed("another XDP program holds eth0");
    EXPECT_THAT(look(watched, 2), HasSubstr("eth0 cannot be attached again: another XDP program holds eth0"));
    EXPECT_EQ(look(watched, 3), "") << "said, and not tried again at once";
    EXPECT_EQ(kept.size(), 2u);
    EXPECT_EQ(look(watched, 7), "");
    EXPECT_EQ(kept.size(), 3u);
}

TEST_F(HookWatchTest, ACardThatCannotBeReadIsSaidOnce) {
    HookWatch watched = watch(true);
    cards = failed("no bpffs");
    EXPECT_EQ(look(watched, 0), "hooks: no bpffs\n");
    EXPECT_EQ(look(watched, 1), "");
}

}  // namespace
}  // namespace edgefw::daemon
