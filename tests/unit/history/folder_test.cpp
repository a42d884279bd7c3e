// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace edgefw::history {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint64_t> none(const Contents&) {
    return {};
}

class HistoryFolder : public testing::Test {
protected:
    HistoryFolder() {
        char name[] = "/tmp/edgefw-history-XXXXXX";
        base = mkdtemp(name);
    }
    ~HistoryFolder() override { fs::remove_all(base); }

    Place place() const { return {base, {"edgefw", "history", "machine"}}; }
    std::string file(const std::string& name) const { return place().path() + "/" + name; }
    static mode_t mode(const std::string& path) {
        struct stat found = {};
        return lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
    }
    static Entry entry(const std::string& text) {
        Entry entry;
        entry.sources = {"p", text, {}};
        return entry;
    }
    void write_text(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }

    std::string base;
};

TEST_F(HistoryFolder, LookingMakesNothing) {
    const auto folder = Folder::look(place());
    ASSERT_TRUE(folder);
    EXPECT_TRUE(folder->list().entries.empty());
    EXPECT_TRUE(folder->list().skipped.empty());
    EXPECT_FALSE(folder->read(1));
    EXPECT_TRUE(fs::is_empty(base));
}

TEST_F(HistoryFolder, WhatIsWrittenIsReadAndIsOursAlone) {
    const auto folder = Folder::open(place());
    ASSERT_TRUE(folder) << folder.error().message;
    EXPECT_EQ(*folder->write(entry("one"), none), 1u);
    EXPECT_EQ(*folder->write(entry("two"), none), 2u);
    const Contents contents = Folder::look(place())->list();
    ASSERT_EQ(contents.entries.size(), 2u);
    EXPECT_EQ(contents.entries[0].number, 2u);
    EXPECT_EQ(folder->read(1)->sources.text, "one");
    EXPECT_EQ(mode(place().path()), 0700u);
    EXPECT_EQ(mode(base + "/edgefw"), 0700u);
    EXPECT_EQ(mode(file("entry_1")), 0600u);
}

TEST_F(HistoryFolder, TheNumberOnlyGrows) {
    const auto folder = Folder::open(place());
    ASSERT_TRUE(folder);
    for (int i = 0; i < 3; i++)
        ASSERT_TRUE(folder->write(entry("x"), none));
    const auto number = folder->write(entry("x"), [](const Contents& now) {
        EXPECT_EQ(now.numbers, (std::vector<std::uint64_t>{1, 2, 3, 4}));
        EXPECT_EQ(now.entries.size(), 4u);
        return std::vector<std::uint64_t>{1, 3};
    });
    EXPECT_EQ(*number, 4u);
    EXPECT_EQ(folder->list().numbers, (std::vector<std::uint64_t>{2, 4}));
    // A damaged one has its number, too.
    write_text("entry_9", "damaged");
    EXPECT_EQ(*folder->write(entry("x"), none), 10u);
}

// What a writer that was killed has left is no entry, and in nobody's way.
TEST_F(HistoryFolder, HalfAFileIsNone) {
    const auto folder = Folder::open(place());
    ASSERT_TRUE(folder);
    write_text("new", "half");
    EXPECT_TRUE(folder->list().entries.empty());
    EXPECT_TRUE(folder->list().skipped.empty());
    EXPECT_EQ(*folder->write(entry("x"), none), 1u);
    EXPECT_FALSE(fs::exists(file("new")));
}

TEST_F(HistoryFolder, WhatIsNoEntryIsLeftOutAndNamed) {
    const auto folder = Folder::open(place());
    ASSERT_TRUE(folder);
    ASSERT_TRUE(folder->write(entry("one"), none));
    ASSERT_TRUE(folder->write(entry("two"), none));
    fs::copy_file(file("entry_1"), file("entry_3"));  // it says that it is another one
    fs::resize_file(file("entry_2"), fs::file_size(file("entry_2")) - 1);
    write_text("entry_4", "");
    write_text("entry_0", "x");
    write_text("entry_99999999999999999999", "x");
    write_text("notes", "x");
    ASSERT_EQ(mkfifo(file("entry_5").c_str(), 0600), 0);
    fs::create_symlink(file("entry_1"), file("entry_6"));
    fs::create_directory(file("entry_7"));
    const Contents contents = folder->list();
    ASSERT_EQ(contents.entries.size(), 1u);
    EXPECT_EQ(contents.entries[0].number, 1u);
    EXPECT_EQ(contents.skipped.size(), 9u);
    for (std::uint64_t number : {2, 4, 5, 6, 7})
        EXPECT_FALSE(folder->read(number)) << number;
}

TEST_F(HistoryFolder, NoLinkIsFollowedAndNoFolderOfOthersTaken) {
    fs::create_directory(base + "/elsewhere");
    fs::create_symlink(base + "/elsewhere", base + "/edgefw");
    EXPECT_FALSE(Folder::open(place()));
    EXPECT_FALSE(Folder::look(place()));
    EXPECT_TRUE(fs::is_empty(base + "/elsewhere"));
    fs::remove(base + "/edgefw");
    ASSERT_TRUE(Folder::open(place()));
    chmod(place().path().c_str(), 0750);
    const auto open = Folder::open(place());
    ASSERT_FALSE(open);
    EXPECT_NE(open.error().message.find("chmod 0700 " + place().path()), std::string::npos) << open.error().message;
    chmod(place().path().c_str(), 0700);
    chmod((base + "/edgefw").c_str(), 0755);  // as systemd makes it
    EXPECT_TRUE(Folder::open(place()));
    chmod((base + "/edgefw").c_str(), 0775);
    EXPECT_FALSE(Folder::open(place()));
}

TEST_F(HistoryFolder, OneWriterAtATime) {
    const auto folder = Folder::open(place());
    ASSERT_TRUE(folder);
    auto held = folder->lock();
    ASSERT_TRUE(held);
    const auto other = Folder::open(place())->lock(std::chrono::milliseconds(20));
    EXPECT_FALSE(other);
    held->reset();
    EXPECT_TRUE(folder->lock(std::chrono::milliseconds(20)));
}

TEST_F(HistoryFolder, InRunItSaysWhoseItIs) {
    const Place run{base, {"edgefw", "history_7"}, "net:[4026531840]"};
    const auto folder = Folder::open(run);
    ASSERT_TRUE(folder);
    std::ifstream file(run.path() + "/namespace");
    std::string text;
    std::getline(file, text);
    EXPECT_EQ(text, R"({"namespace":"net:[4026531840]"})");
    EXPECT_TRUE(folder->list().skipped.empty());
}

}  // namespace
}  // namespace edgefw::history
