// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/terminal.h"

#include <gtest/gtest.h>

namespace edgefw {
namespace {

struct Row {
    std::string_view text;
    const char* shown;
};

TEST(ForTerminal, WritesControlCharactersOut) {
    for (const Row& row : {
             Row{"plain\ttext\n", "plain\ttext\n"},
             Row{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
                 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
             Row{"\x1b[2J", "\\u001b[2J"},
             Row{"a\rb\bc\x7f", "a\\u000db\\u0008c\\u007f"},
             Row{std::string_view("\0", 1), "\\u0000"},
             Row{"\xc2\x9b"
                 "31m\xc2\xa0",
                 "\\u009b31m\xc2\xa0"},
             Row{"\x9b"
                 "31m",
                 "\\ufffd31m"},
             Row{"\xc3", "\\ufffd"},
             Row{"", ""},
         })
        EXPECT_EQ(for_terminal(row.text), row.shown);
}

}  // namespace
}  // namespace edgefw
