// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/read.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace edgefw::policy {
namespace {

class Read : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(mkdtemp(folder_), nullptr);
        file_ = std::string(folder_) + "/p.yaml";
    }
    void TearDown() override {
        unlink(file_.c_str());
        rmdir(folder_);
    }
    void write(const std::string& text) { std::ofstream(file_, std::ios::binary) << text; }

    char folder_[32] = "/tmp/edgefw-read-XXXXXX";
    std::string file_;
};

TEST_F(Read, TheWholeFile) {
    const std::string text(200'000, 'x');
    write(text);
    EXPECT_EQ(*read(file_), text);
}

TEST_F(Read, ClearErrors) {
    EXPECT_EQ(read(file_).error().message, "cannot read " + file_ + ": No such file or directory");
    EXPECT_EQ(read(folder_).error().message, "cannot read " + std::string(folder_) + ": Is a directory");
    write("");
    ASSERT_EQ(truncate(file_.c_str(), kMaxPolicyBytes + 1), 0);
    EXPECT_EQ(read(file_).error().message.find(file_ + " is larger than 256 MiB"), 0u);
}

TEST_F(Read, ARegularFileAlone) {
    write("version: 1");
    EXPECT_EQ(*read_regular(file_), "version: 1");
    write(std::string((1 << 20) + 1, '#'));
    EXPECT_TRUE(read_regular(file_));
    EXPECT_EQ(read_regular(file_, 1 << 20).error().message.find(file_ + " is larger than 1 MiB; "), 0u);
    unlink(file_.c_str());
    ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
    EXPECT_EQ(read_regular(file_).error().message, file_ + " is no regular file; write one there") << "and at once";
    EXPECT_EQ(read_regular(folder_).error().message, std::string(folder_) + " is no regular file; write one there");
}

}  // namespace
}  // namespace edgefw::policy
