// SPDX-License-Identifier: GPL-2.0-only
// text_map: texts in the kernel, compressed, whole or refused.
#include "userspace/kernel/text_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/lab.h"

namespace edgefw::test {
namespace {

using kernel::Map;
using kernel::read_text;
using kernel::text_map;
using kernel::write_text;
using testing::HasSubstr;

std::string noise(std::size_t size) {
    std::mt19937 random(2007);
    std::string bytes(size, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(random());
    return bytes;
}

std::string rows(int count) {
    std::string text;
    for (int i = 0; i < count; i++)
        text += R"({"id":"rule-)" + std::to_string(i) + R"(","side":"external","action":"pass"},)";
    return text;
}

TEST(TextMap, GivesBackWhatWasWritten) {
    const Lab lab;
    for (const std::string& text : {std::string(), rows(1), rows(20'000), noise(100'000)}) {
        const auto map = text_map("text", text, 0);
        ASSERT_TRUE(map) << map.error().message;
        const auto read = read_text(*map);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_TRUE(*read == text);
    }
}

TEST(TextMap, TakesAFractionOfARepetitiveText) {
    const Lab lab;
    const std::string text = rows(20'000);
    const auto map = text_map("text", text, 0);
    ASSERT_TRUE(map);
    EXPECT_LT(std::size_t{map->max_entries()} * map->value_size(), text.size() / 3);
}

TEST(TextMap, ALaterTextHasTheRoomThatWasAskedFor) {
    const Lab lab;
    const auto map = text_map("text", "a", 50'000);
    ASSERT_TRUE(map);
    for (const std::string& text : {noise(50'001), std::string("b"), std::string()}) {
        const auto written = write_text(*map, text);
        ASSERT_TRUE(written) << written.error().message;
        EXPECT_TRUE(*read_text(*map) == text);
    }
    EXPECT_EQ(write_text(*map, noise(100'000)).error().message, "a text has no room in its map");
    EXPECT_EQ(*read_text(*map), "") << "a text without room changes nothing";
}

TEST(TextMap, ATextThatIsTooLongIsRefused) {
    const Lab lab;
    const auto map = text_map("text", std::string(kernel::kLongestText + 1, 'd'), 0);
    ASSERT_FALSE(map);
    EXPECT_EQ(map.error().message,
              "what is kept with the policy would be 1024 MiB long; at most 1024 MiB are: split the policy");
}

// One byte at a time, in the head, in the frame's own head, and in what follows.
TEST(TextMap, WhatIsDamagedIsSaidInOneLine) {
    const Lab lab;
    const auto map = text_map("text", rows(2'000), 0);
    ASSERT_TRUE(map);
    const auto whole = map->contents();
    ASSERT_TRUE(whole);
    for (const std::size_t at : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{72}, std::size_t{500}}) {
        auto bytes = *whole;
        bytes[at] ^= 0x40;
        ASSERT_TRUE(map->fill(bytes.data(), bytes.size()));
        const auto read = read_text(*map);
        ASSERT_FALSE(read) << at;
        EXPECT_EQ(read.error().message,
                  "what is pinned with the policy in force is not readable (it is not whole): "
                  "push the policy again")
            << at;
    }
    ASSERT_TRUE(map->fill(whole->data(), whole->size()));
    EXPECT_TRUE(read_text(*map));
}

}  // namespace
}  // namespace edgefw::test
