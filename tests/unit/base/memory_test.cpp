// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace edgefw {
namespace {

class MemoryTest : public testing::Test {
protected:
    MemoryTest() {
        char name[] = "/tmp/edgefw-memory-XXXXXX";
        folder = mkdtemp(name);
        write("proc/meminfo", "MemTotal:  9000000 kB\nMemAvailable:  4000000 kB\n");
    }
    ~MemoryTest() override { std::filesystem::remove_all(folder); }

    void write(const std::string& file, const std::string& text) const {
        const std::filesystem::path path = folder + "/" + file;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    Memory memory() const { return available_memory(folder + "/proc", folder + "/groups"); }

    std::string folder;
};

TEST_F(MemoryTest, IsWhatTheHostHas) {
    EXPECT_EQ(memory().bytes, 4096000000u);
    EXPECT_EQ(memory().limit, "MemAvailable");
}

TEST_F(MemoryTest, IsLessWhereAGroupAboveHasLess) {
    write("proc/self/cgroup", "0::/a/b\n");
    write("groups/a/b/memory.max", "max\n");
    write("groups/a/b/memory.current", "1000\n");
    write("groups/a/memory.max", "1000000\n");
    write("groups/a/memory.current", "900000\n");
    write("groups/a/memory.stat", "anon 1\ninactive_file 300000\n");
    EXPECT_EQ(memory().bytes, 400000u);
    EXPECT_EQ(memory().limit, folder + "/groups/a/memory.max");
}

TEST_F(MemoryTest, KnowsTheFirstVersionOfGroups) {
    write("proc/self/cgroup", "4:memory:/a\n0::/\n");
    write("groups/memory/a/memory.limit_in_bytes", "5000\n");
    write("groups/memory/a/memory.usage_in_bytes", "6000\n");
    EXPECT_EQ(memory().bytes, 0u);
}

TEST_F(MemoryTest, WithoutAFileIsWithoutALimit) {
    std::filesystem::remove_all(folder + "/proc");
    EXPECT_EQ(memory().bytes, UINT64_MAX);
}

TEST(MemoryText, IsShort) {
    EXPECT_EQ(memory_text(11'040'000'000), "11.0 GB");
    EXPECT_EQ(memory_text(512'000'000), "512 MB");
}

}  // namespace
}  // namespace edgefw
