// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/compress.h"

#include <gtest/gtest.h>

#include <random>

namespace edgefw {
namespace {

// Bytes that no compression makes fewer.
std::string noise(std::size_t size) {
    std::mt19937 random(2007);
    std::string bytes(size, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(random());
    return bytes;
}

TEST(Compress, GivesBackWhatWasPutIn) {
    for (const std::string& text : {std::string(), std::string("a"), std::string(3'000'000, 'd'), noise(300'000)}) {
        const auto frame = compress(text);
        ASSERT_TRUE(frame) << frame.error().message;
        EXPECT_LE(frame->size(), longest_frame(text.size()));
        const auto read = decompress(*frame, text.size());
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_TRUE(*read == text);
    }
    EXPECT_LT(compress(std::string(3'000'000, 'd'))->size(), 10'000u);
}

TEST(Compress, ATextOfAnyLengthIsNotTaken) {
    const std::string frame = *compress(std::string(1000, 'd'));
    EXPECT_TRUE(decompress(frame, 1000));
    EXPECT_EQ(decompress(frame, 999).error().message, "it says that it is 1000 bytes long");
}

TEST(Compress, WhatIsDamagedIsSaid) {
    const std::string frame = *compress(noise(100'000));
    EXPECT_EQ(decompress("", 1000).error().message, "it is no compressed text");
    EXPECT_EQ(decompress("{\"rules\": []}", 1000).error().message, "it is no compressed text");
    for (const std::size_t left : {frame.size() - 1, frame.size() / 2, std::size_t{9}})
        EXPECT_FALSE(decompress(frame.substr(0, left), 100'000)) << left;
    EXPECT_FALSE(decompress(frame + "more", 100'000));
}

}  // namespace
}  // namespace edgefw
