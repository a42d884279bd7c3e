// SPDX-License-Identifier: GPL-2.0-only
// Whether the memory that is there has room for tables: what is expected of the kernel, and when it is refused.
#include "userspace/kernel/room.h"

#include <linux/bpf.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "maps/connection.h"
#include "tests/kernel/test_run.h"
#include "userspace/kernel/map.h"

namespace edgefw::test {
namespace {

std::uint64_t memory_taken(const kernel::Map& map) {
    std::ifstream facts("/proc/self/fdinfo/" + std::to_string(map.fd()));
    for (std::string word; facts >> word;) {
        std::uint64_t bytes = 0;
        if (word == "memlock:" && facts >> bytes) return bytes;
    }
    return 0;
}

TEST(Room, IsWhatTheKernelTakes) {
    for (const std::uint32_t key : {sizeof(edgefw_connection4_key), sizeof(edgefw_connection6_key)}) {
        for (const std::uint32_t entries : {65536u, 100000u}) {
            auto map = kernel::Map::create({"room", BPF_MAP_TYPE_LRU_HASH, key, sizeof(edgefw_connection), entries});
            ASSERT_TRUE(map) << map.error().message;
            const auto taken = static_cast<double>(memory_taken(*map));
            EXPECT_NEAR(static_cast<double>(kernel::lru_bytes(key, sizeof(edgefw_connection), entries)), taken,
                        taken / 20);
        }
    }
}

TEST(Room, AnEighthStaysFree) {
    const Memory there{8'000'000'000, "MemAvailable"};
    EXPECT_TRUE(kernel::check_room(7'000'000'000, there));
    const auto refused = kernel::check_room(7'000'000'001, there);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "the tables of connections take 7.0 GB on each card, and of the memory that is there (8.0 GB by "
              "MemAvailable) an eighth stays free; lower `connections:` of the policy, or --connections");
    EXPECT_TRUE(kernel::check_room(1 << 30, Memory{UINT64_MAX, "MemAvailable"}));
}

}  // namespace
}  // namespace edgefw::test
