// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/policy_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace edgefw::daemon {
namespace {

using namespace std::chrono_literals;

// A file, a kernel and a clock in memory.
class PolicyWatchTest : public testing::Test {
protected:
    PolicyWatchTest() : log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(messages)) {
        log.set_pattern("%v");
    }

    // Looks as often as the watch asks for, for `duration`.
    void run(std::chrono::milliseconds duration) {
        const auto end = now + duration;
        while (now < end)
            now += watch.look(now, log);
    }

    std::string take_messages() {
        std::string text = messages.str();
        messages.str("");
        return text;
    }

    Result<std::string> file = std::string("one");
    Result<kernel::PushReport> answer = kernel::PushReport{};
    std::vector<std::string> pushed;
    std::ostringstream messages;
    spdlog::logger log;
    PolicyWatch::Clock::time_point now{};
    PolicyWatch watch{[this]() -> Result<PolicyWatch::Found> {
                          if (!file) return file.error();
                          return PolicyWatch::Found{*file, "digest of " + *file};
                      },
                      [this](const std::string& text) {
                          pushed.push_back(text);
                          return answer;
                      },
                      1000ms};
};

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(PolicyWatchTest, SaysWhatIsWrongWithACard) {
    kernel::PushReport report;
    report.cards.emplace_back();
    report.cards.back().interface = "eth0";
    report.cards.back().without_rules = true;
    answer = report;
    run(5s);
    EXPECT_THAT(take_messages(), HasSubstr("warning: eth0: no rule of the policy is for external cards"));
}

TEST_F(PolicyWatchTest, PushesAtTheStartAndAfterEachChange) {
    run(5s);
    file = std::string("two");
    run(5s);
    EXPECT_THAT(pushed, ElementsAre("one", "two"));
    EXPECT_EQ(watch.results().ok, 2u);
    EXPECT_TRUE(watch.results().last_succeeded);
    EXPECT_EQ(watch.results().policy_errors, 0u);
}

TEST_F(PolicyWatchTest, WaitsUntilTheFileIsWhole) {
    EXPECT_EQ(watch.look(now, log), 100ms);
    file = std::string("one and a half");
    EXPECT_EQ(watch.look(now + 100ms, log), 100ms);
    EXPECT_TRUE(pushed.empty());
    EXPECT_EQ(watch.look(now + 200ms, log), 1000ms);
    EXPECT_THAT(pushed, ElementsAre("one and a half"));
}

TEST_F(PolicyWatchTest, AWrongFileIsLoggedLineByLineOnce) {
    run(2s);
    take_messages();
    file = std::string("bad");
    answer = Error{ErrorKind::kPolicy, "p.yaml:1:1: first\np.yaml:2:1: second"};
    run(30s);
    EXPECT_EQ(take_messages(), "p.yaml:1:1: first\np.yaml:2:1: second\nnot pushed; what was in force stays in force\n");
    EXPECT_THAT(pushed, ElementsAre("one", "bad"));
    EXPECT_EQ(watch.results().rejected, 1u);
    EXPECT_EQ(watch.results().policy_errors, 2u);
    EXPECT_FALSE(watch.results().last_succeeded);

    file = std::string("bad still");
    run(5s);
    EXPECT_THAT(take_messages(), HasSubstr("second"));
    EXPECT_EQ(watch.results().rejected, 2u);

    file = std::string("good");
    answer = kernel::PushReport{};
    run(5s);
    EXPECT_TRUE(watch.results().last_succeeded);
    EXPECT_EQ(watch.results().policy_errors, 0u);
}

TEST_F(PolicyWatchTest, WhatTheHostRefusedIsTriedAgainAndLoggedOnce) {
    answer = failed("nothing is attached");
    run(21s);
    EXPECT_GE(watch.results().failed, 3u);
    EXPECT_EQ(watch.results().policy_errors, 0u);
    EXPECT_EQ(take_messages(), "nothing is attached\nnot pushed; what was in force stays in force\n");
    answer = kernel::PushReport{};
    run(10s);
    EXPECT_EQ(watch.results().ok, 1u);
    EXPECT_TRUE(watch.results().last_succeeded);
}

TEST_F(PolicyWatchTest, AFileThatIsGoneAndComesBackIsPushed) {
    run(2s);
    take_messages();
    file = failed("p.yaml: no such file");
    run(5s);
    EXPECT_EQ(take_messages(), "p.yaml: no such file\nnot pushed; what was in force stays in force\n");
    EXPECT_EQ(watch.results().policy_errors, 1u);
    file = std::string("one");
    run(5s);
    EXPECT_THAT(pushed, ElementsAre("one", "one"));
    EXPECT_EQ(watch.results().policy_errors, 0u);
}

TEST_F(PolicyWatchTest, PushesAgainOnRequest) {
    run(5s);
    watch.push_again();
    run(2s);
    EXPECT_THAT(pushed, ElementsAre("one", "one"));
}

}  // namespace
}  // namespace edgefw::daemon
