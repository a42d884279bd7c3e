// SPDX-License-Identifier: GPL-2.0-only
// The ABI: every struct that the data path and the control plane share lies alike in both. What clang made of the
// headers in maps/ is read from the objects' BTF when this is built (layout_rows.py); here it is compared with what the
// C++ compiler makes of them. A member that only one of them has does not compile, or leaves a gap that the size shows.
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "maps/active.h"
#include "maps/card.h"
#include "maps/classes.h"
#include "maps/closed.h"
#include "maps/config.h"
#include "maps/counters.h"
#include "maps/decision.h"
#include "maps/dhcp.h"
#include "maps/forward.h"
#include "maps/fragment.h"
#include "maps/record.h"
#include "maps/shadow.h"
#include "userspace/kernel/program.h"
#include "userspace/kernel/registry.h"

namespace edgefw::test {
namespace {

struct Row {
    const char* structure;
    const char* member;        // nullptr: the struct itself
    std::size_t offset, size;  // in BPF
    std::size_t cpp_offset, cpp_size;
};

#define STRUCT(structure, size) {#structure, nullptr, 0, size, 0, sizeof(structure)},
#define MEMBER(structure, member, offset, size) \
    {#structure, #member, offset, size, offsetof(structure, member), sizeof(structure::member)},
const Row kRows[] = {
#include "layout_rows.inc"
};

TEST(Layout, TheSameInBpfAndCpp) {
    for (const Row& row : kRows) {
        const std::string name = std::string(row.structure) + "::" + (row.member == nullptr ? "" : row.member);
        EXPECT_EQ(row.offset, row.cpp_offset) << name;
        EXPECT_EQ(row.size, row.cpp_size) << name;
    }
}

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

const std::filesystem::path kMaps = EDGEFW_SOURCE_DIR "/maps";

TEST(Layout, NoStructIsLeftOut) {
    std::set<std::string> compared = {"edgefw_card"};  // the data path never reads it
    for (const Row& row : kRows)
        compared.insert(row.structure);
    std::set<std::string> all;
    const std::regex head("struct (edgefw_\\w+) \\{");
    for (const auto& entry : std::filesystem::directory_iterator(kMaps)) {
        if (entry.path().extension() != ".h") continue;
        const std::string text = text_of(entry.path());
        for (std::sregex_iterator found(text.begin(), text.end(), head), end; found != end; ++found)
            all.insert((*found)[1]);
    }
    EXPECT_EQ(all, compared);
}

// The table of maps/README.md: names, kind, what it holds, who writes and reads it, how long it lives.
TEST(Registry, EveryMapIsInTheReadme) {
    const std::string readme = text_of(kMaps / "README.md");
    std::set<std::string> named;
    for (std::istringstream lines(readme); !lines.eof();) {
        std::string line;
        std::getline(lines, line);
        if (!line.starts_with("| ")) continue;
        const std::string cell = line.substr(2, line.find(" |", 2) - 2);
        const std::regex word("\\w+");
        for (std::sregex_iterator found(cell.begin(), cell.end(), word), end; found != end; ++found)
            named.insert(found->str());
    }
    for (const auto& [name, spec] : kernel::declared_maps()) {
        if (name.find(".rodata") != std::string::npos || name.starts_with("older_")) continue;
        EXPECT_TRUE(named.contains(name)) << name << " of bpf/maps.h has no row in maps/README.md";
    }
#define NAMED(part, name) EXPECT_TRUE(named.contains(#name)) << #name << " has no row in maps/README.md";
    EDGEFW_GENERATION_MAPS(NAMED)
#undef NAMED
}

TEST(Registry, WhatIsNoMapIsRefused) {
    EXPECT_EQ(kernel::create_map("no_such_map").error().message, "the data path has no map no_such_map");
}

}  // namespace
}  // namespace edgefw::test
