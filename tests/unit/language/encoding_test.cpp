// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/encoding.h"

#include <gtest/gtest.h>

namespace edgefw::policy {
namespace {

TEST(Encoding, FirstBadByte) {
    const struct {
        std::string text;
        int offset;  // -1: all good
    } rows[] = {
        {"plain\ttext\r\n", -1},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x90", -1},
        {std::string("a\0b", 3), 1},
        {"ab\x04", 2},
        {"\x7f", 0},
        {"a\x80", 1},             // no lead byte
        {"\xc0\xaf", 0},          // overlong
        {"\xe0\x80\xaf", 0},      // overlong
        {"\xed\xa0\x80", 0},      // surrogate
        {"\xf4\x90\x80\x80", 0},  // beyond U+10FFFF
        {"ab\xe2\x82", 2},        // cut off
    };
    for (const auto& row : rows) {
        const auto bad = find_bad_byte(row.text);
        EXPECT_EQ(bad ? static_cast<int>(bad->offset) : -1, row.offset) << row.text;
    }
}

}  // namespace
}  // namespace edgefw::policy
