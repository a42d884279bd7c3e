// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/table.h"

#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

TEST(Table, AlignsColumns) {
    Table table({{"rule"}, {"packets", Align::kRight}});
    EXPECT_TRUE(table.empty());
    table.add({"admin-ssh", "7"});
    table.add({"x", "12345678"});
    EXPECT_EQ(table.to_text(80),
              "rule        packets\n"
              "admin-ssh         7\n"
              "x          12345678\n");
}

TEST(Table, HeadingsStandApartAndDoNotWidenColumns) {
    Table table({{"a"}, {"b"}});
    table.add_heading("a heading wider than both columns");
    table.add({"1", "2"});
    EXPECT_EQ(table.to_text(80),
              "a  b\n"
              "\n"
              "a heading wider than both columns\n"
              "1  2\n");
}

TEST(Table, TheWidestColumnGivesWayAtPlacesAReaderExpects) {
    Table table({{"rule"}, {"local"}});
    table.add({"ssh", "192.0.2.10, 192.0.2.11 :22, 443"});
    EXPECT_EQ(table.to_text(20),
              "rule  local\n"
              "ssh   192.0.2.10,\n"
              "      192.0.2.11\n"
              "      :22, 443\n");
}

TEST(Table, WordsStayWholeWhereAnotherColumnCanGiveWay) {
    Table table({{"variable"}, {"description"}});
    table.add({"longest_possible_name", "what it is for, said in words"});
    EXPECT_EQ(table.to_text(30),
              "variable        description\n"
              "longest_        what it is\n"
              "possible_name   for, said in\n"
              "                words\n");
}

TEST(Table, WordsWithoutABreakAreCut) {
    Table table({{"id"}});
    table.add({"abcdefghijklmnopqrst"});
    EXPECT_EQ(table.to_text(12),
              "id\n"
              "abcdefghijkl\n"
              "mnopqrst\n");
}

TEST(Table, FitsAnyWidthItCan) {
    Table table({{"one"}, {"two"}, {"three"}});
    table.add({std::string(50, 'x'), std::string(90, 'y') + " z", "short"});
    for (const std::size_t width : {40u, 60u, 80u, 200u}) {
        std::size_t widest = 0;
        std::size_t line = 0;
        for (const char c : table.to_text(width)) {
            line = c == '\n' ? 0 : line + 1;
            widest = std::max(widest, line);
        }
        EXPECT_LE(widest, width);
    }
}

}  // namespace
}  // namespace edgefw::show
