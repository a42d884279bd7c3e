// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/drop_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace edgefw::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kBegin = 1'000'000;  // milliseconds

class DropLogTest : public testing::Test {
protected:
    DropLogTest() : log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(messages)) {
        log.set_pattern("%v");
        std::string path = testing::TempDir() + "drops-XXXXXX";
        folder = mkdtemp(path.data());
        file = folder + "/drops.json";
    }
    ~DropLogTest() override { std::filesystem::remove_all(folder); }

    DropLog open(std::size_t lines = 100) {
        auto opened = DropLog::open(file, lines, [this](std::uint64_t within) {
            kernel::CardDrops card{.interface = "eth0", .drops = {}};
            for (kernel::Drop drop : recorded) {
                drop.age = now - drop.time;
                if (drop.age <= within) card.drops.push_back(drop);
            }
            return Result<std::vector<kernel::CardDrops>>(std::vector{card});
        });
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }
    void drop_at(std::uint64_t time, std::uint32_t count = 1) {
        kernel::Drop drop;
        drop.interface = "eth0";
        drop.time = time;
        drop.count = count;
        drop.key = recorded.size() + 1;
        recorded.push_back(drop);
    }
    void look(DropLog& drops, std::uint64_t at) {
        now = at;
        drops.look(at, log);
    }
    // What is in a file, of each line its count, or how many were left out as a negative number.
    std::vector<int> lines(const std::string& of) {
        std::vector<int> counts;
        std::ifstream stream(of);
        for (std::string line; std::getline(stream, line);) {
            const auto json = nlohmann::json::parse(line);
            counts.push_back(json.contains("left_out") ? -json["left_out"].get<int>() : json["count"].get<int>());
        }
        return counts;
    }

    std::ostringstream messages;
    spdlog::logger log;
    std::string folder, file;
    std::vector<kernel::Drop> recorded;  // `time` by the clock of `now`
    std::uint64_t now = 0;
};

TEST_F(DropLogTest, EachRecordOnceWhenItIsFinal) {
    drop_at(kBegin - 500, 7);  // before it began
    DropLog drops = open();
    look(drops, kBegin);
    drop_at(kBegin + 100, 1);
    look(drops, kBegin + 1000);
    EXPECT_THAT(lines(file), ElementsAre()) << "it may still count";
    recorded.back().count = 3;
    look(drops, kBegin + 2100);
    EXPECT_THAT(lines(file), ElementsAre(3));
    drop_at(kBegin + 2000, 2);
    for (std::uint64_t second = 3; second < 30; second++)
        look(drops, kBegin + second * 1000);
    EXPECT_THAT(lines(file), ElementsAre(3, 2));
    // A look that is late by a minute misses nothing.
    drop_at(kBegin + 40'000, 5);
    look(drops, kBegin + 90'000);
    EXPECT_THAT(lines(file), ElementsAre(3, 2, 5));
    EXPECT_EQ(messages.str(), "");
    struct stat made = {};
    ASSERT_EQ(stat(file.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777, 0600u);
}

TEST_F(DropLogTest, NoMoreLinesThanAllowedAndSaidHowMany) {
    DropLog drops = open(2);
    look(drops, kBegin);
    for (std::uint32_t i = 0; i < 5; i++)
        drop_at(kBegin + i, i + 1);
    look(drops, kBegin + 3000);
    EXPECT_THAT(lines(file), ElementsAre(1, 2, 3, 4, 5)) << "three seconds have passed, with six lines";
    for (std::uint32_t i = 0; i < 5; i++)
        drop_at(kBegin + 3000 + i, i + 10);
    look(drops, kBegin + 5004);
    EXPECT_THAT(lines(file), ElementsAre(1, 2, 3, 4, 5, 10, 11, 12, 13, -1));
    look(drops, kBegin + 6004);
    EXPECT_EQ(lines(file).size(), 10u);
}

TEST_F(DropLogTest, AFileThatWasRenamedIsMadeAnewAndOneThatCannotBeIsSaid) {
    DropLog drops = open();
    look(drops, kBegin);
    drop_at(kBegin + 1, 1);
    look(drops, kBegin + 3000);
    std::filesystem::rename(file, file + ".1");
    drop_at(kBegin + 3000, 2);
    look(drops, kBegin + 6000);
    EXPECT_THAT(lines(file + ".1"), ElementsAre(1));
    EXPECT_THAT(lines(file), ElementsAre(2));
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    for (std::uint64_t second = 6; second < 9; second++) {
        drop_at(kBegin + second * 1000, 3);
        look(drops, kBegin + second * 1000 + 2500);
    }
    EXPECT_THAT(messages.str(), HasSubstr("cannot write " + file + ": Is a directory; drops are not written"));
    EXPECT_EQ(messages.str().find("cannot write"), messages.str().rfind("cannot write")) << "once";
    EXPECT_THAT(DropLog::open(folder, 1, {}).error().message, HasSubstr("cannot write " + folder));
    // What could not be written is told of once it can be.
    std::filesystem::remove(file);
    drop_at(kBegin + 12'000, 4);
    look(drops, kBegin + 15'000);
    EXPECT_THAT(lines(file), ElementsAre(4, -3));
}

// A line of which the disk took a part is no beginning of the next one, and what was lost is told of.
TEST_F(DropLogTest, AFullDiskCutsOneLine) {
    rlimit before = {};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old = signal(SIGXFSZ, SIG_IGN);
    DropLog drops = open();
    look(drops, kBegin);
    drop_at(kBegin + 1, 1);
    drop_at(kBegin + 2, 2);
    const rlimit full = {500, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
    look(drops, kBegin + 3000);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, old);
    EXPECT_THAT(messages.str(), HasSubstr("File too large"));
    drop_at(kBegin + 3001, 3);
    look(drops, kBegin + 6000);
    std::ifstream stream(file);
    std::string first, cut, next, last;
    std::getline(stream, first);
    std::getline(stream, cut);
    std::getline(stream, next);
    std::getline(stream, last);
    EXPECT_EQ(nlohmann::json::parse(first)["count"], 1);
    EXPECT_FALSE(nlohmann::json::accept(cut));
    EXPECT_EQ(nlohmann::json::parse(next)["count"], 3);
    EXPECT_EQ(nlohmann::json::parse(last)["left_out"], 1);
}

TEST_F(DropLogTest, WhatIsNoRegularFileHoldsNobodyUp) {
    ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
    EXPECT_THAT(DropLog::open(file, 1, {}).error().message, HasSubstr("cannot write " + file));
    std::filesystem::remove(file);
    DropLog drops = open();
    look(drops, kBegin);
    std::filesystem::rename(file, file + ".1");
    ASSERT_EQ(symlink((file + ".1").c_str(), file.c_str()), 0);
    drop_at(kBegin + 1);
    look(drops, kBegin + 3000);
    EXPECT_THAT(lines(file + ".1"), ElementsAre()) << "a link is not followed";
    std::filesystem::remove(file);
    ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
    drop_at(kBegin + 3001);
    look(drops, kBegin + 6000);
    EXPECT_THAT(messages.str(), HasSubstr("cannot write " + file));
}

}  // namespace
}  // namespace edgefw::daemon
