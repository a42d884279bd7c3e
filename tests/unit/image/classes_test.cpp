// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/image/policies.h"

namespace edgefw::test {
namespace {

using image::Classes;
using ::testing::ElementsAre;

std::string text(const Classes& classes) {
    std::string text;
    for (const image::ClassPrefix& entry : classes.prefixes())
        text += entry.prefix.to_text() + "=" + std::to_string(entry.number) + " ";
    return text;
}

std::string text(const std::vector<image::Interval>& runs) {
    std::string text;
    for (const image::Interval& run : runs)
        text += std::to_string(run.low) + "-" + std::to_string(run.high) + " ";
    return text;
}

TEST(Classes, NestedSets) {
    Classes classes(Family::kIpv4);
    const auto wide = classes.add(ranges({"10.0.0.0/8"}));
    const auto narrow = classes.add(ranges({"10.1.0.0/16", "192.0.2.0/24"}));
    ASSERT_TRUE(classes.number());
    // Neither both, nor one, nor the other: 1 is narrow alone, 2 both, 3 wide alone.
    EXPECT_EQ(text(classes), "10.0.0.0/8=3 10.1.0.0/16=2 192.0.2.0/24=1 ");
    EXPECT_EQ(text(classes.runs({wide})), "2-3 ");
    EXPECT_EQ(text(classes.runs({narrow})), "1-2 ");
    EXPECT_EQ(text(classes.runs({wide, narrow})), "1-3 ");
    EXPECT_EQ(classes.count(), 3u);
}

TEST(Classes, EqualSetsAreOne) {
    Classes classes(Family::kIpv4);
    const auto halves = classes.add(ranges({"192.0.2.0/25", "192.0.2.128/25"}));
    EXPECT_EQ(halves, classes.add(ranges({"192.0.2.0/24"})));
    ASSERT_TRUE(classes.number());
    EXPECT_EQ(text(classes), "192.0.2.0/24=1 ");
}

// Members of a set, a host by name beside them or none, and the lengths by which addresses are looked up.
TEST(Classes, PrefixesOfFewLengthsAreAHash) {
    const struct {
        const char* reason;
        std::vector<std::string> members;
        bool names_a_host;
        edgefw_class_table table;
        std::vector<int> lengths;
    } rows[] = {
        {"hosts", {"192.0.2.1", "192.0.2.3"}, false, EDGEFW_CLASSES_HASH, {32}},
        {"a prefix alone", {"192.0.2.0/24"}, false, EDGEFW_CLASSES_HASH, {24}},
        {"a host and a prefix", {"192.0.2.1", "198.51.100.0/24"}, false, EDGEFW_CLASSES_HASH, {32, 24}},
        {"two of one length", {"192.0.2.0/24", "198.51.100.0/24"}, false, EDGEFW_CLASSES_HASH, {24}},
        {"three", {"10.0.0.0/8", "192.0.2.1", "198.51.100.0/24"}, false, EDGEFW_CLASSES_TRIE, {32, 24, 8}},
        {"everything", {"0.0.0.0/0"}, false, EDGEFW_CLASSES_HASH, {0}},
        {"a host by name", {}, true, EDGEFW_CLASSES_HASH, {32}},
        {"it and one", {"198.51.100.0/24"}, true, EDGEFW_CLASSES_HASH, {32, 24}},
        {"it and one with hosts", {"198.51.100.0/24", "192.0.2.1"}, true, EDGEFW_CLASSES_HASH, {32, 24}},
        {"it and two", {"198.51.100.0/24", "10.0.0.0/8"}, true, EDGEFW_CLASSES_TRIE, {32, 24, 8}},
    };
    for (const auto& row : rows) {
        Classes classes(Family::kIpv4);
        if (!row.members.empty()) classes.add(ranges(row.members));
        if (row.names_a_host) classes.add_host("a.example", {});
        ASSERT_TRUE(classes.number());
        EXPECT_EQ(classes.table(), row.table) << row.reason;
        EXPECT_EQ(classes.lengths(), row.lengths) << row.reason;
    }
}

// Of thousands, a trie is slower than several lookups in a hash.
TEST(Classes, ManyPrefixesOfFourLengthsAreAHash) {
    const auto table_of = [](std::uint32_t hosts, const std::vector<std::string>& prefixes) {
        Classes classes(Family::kIpv4);
        std::vector<AddressRange> members = ranges(prefixes);
        for (std::uint32_t i = 0; i < hosts; ++i)
            members.push_back(AddressRange::single({Family::kIpv4, 0xc0000000 + 2 * i}));
        classes.add(members);
        return classes.number() ? classes.table() : EDGEFW_CLASSES_NONE;
    };
    const std::vector<std::string> three = {"10.0.0.0/8", "172.16.0.0/12", "20.1.0.0/16"};
    EXPECT_EQ(table_of(4092, three), EDGEFW_CLASSES_TRIE);
    EXPECT_EQ(table_of(4093, three), EDGEFW_CLASSES_HASH);
    EXPECT_EQ(table_of(4093, {"10.0.0.0/8", "172.16.0.0/12", "20.1.0.0/16", "30.1.1.0/24"}), EDGEFW_CLASSES_TRIE);
}

// More combinations than are foreseen: where an address goes without its name is always known.
TEST(Classes, WhoLosesItsNameStaysInItsSets) {
    Classes classes(Family::kIpv4);
    for (std::uint32_t i = 0; i < 400; ++i)
        classes.add({AddressRange::single({Family::kIpv4, 0x0a000000 + 2 * i})});
    for (std::uint32_t i = 0; i < 64; ++i)
        classes.add_host("host-" + std::to_string(i),
                         {AddressRange::single({Family::kIpv4, 0x0a000000 + 2 * (399 - i)})});
    ASSERT_TRUE(classes.number());
    std::size_t named = 0;
    for (const image::ClassPrefix& entry : classes.prefixes()) {
        const image::ClassMeaning& meaning = classes.meanings()[entry.number - 1];
        if (meaning.hosts.empty()) continue;
        ++named;
        EXPECT_NE(meaning.rest, 0u) << entry.prefix.to_text();
    }
    EXPECT_EQ(named, 64u);
}

TEST(Classes, LengthsOfIpv6) {
    Classes classes(Family::kIpv6);
    classes.add(ranges({"2001:db8::1", "2001:db8::3", "2001:db8:7::/48"}));
    ASSERT_TRUE(classes.number());
    EXPECT_EQ(text(classes), "2001:db8::1=1 2001:db8::3=1 2001:db8:7::/48=1 ");
    EXPECT_THAT(classes.lengths(), ElementsAre(128, 48));
    Classes named(Family::kIpv6);
    named.add_host("a.example", {});
    ASSERT_TRUE(named.number());
    EXPECT_THAT(named.lengths(), ElementsAre(128));
}

// Neighbours that a policy names one by one are hosts, as others are.
TEST(Classes, NeighboursStayHosts) {
    Classes classes(Family::kIpv4);
    const auto pair = classes.add({range("192.0.2.5"), range("192.0.2.4"), range("192.0.2.4")});
    EXPECT_EQ(pair, classes.add(ranges({"192.0.2.4/31"})));
    classes.add({range("192.0.2.5"), range("192.0.2.6")});
    ASSERT_TRUE(classes.number());
    EXPECT_EQ(text(classes), "192.0.2.4=3 192.0.2.5=2 192.0.2.6=1 ");
    EXPECT_THAT(classes.lengths(), ElementsAre(32));
}

TEST(Classes, WhatIsWrittenAsARangeIsAPrefix) {
    Classes classes(Family::kIpv4);
    classes.add(ranges({"192.0.2.4-192.0.2.5", "192.0.2.8"}));
    ASSERT_TRUE(classes.number());
    EXPECT_EQ(text(classes), "192.0.2.4/31=1 192.0.2.8=1 ");
    EXPECT_THAT(classes.lengths(), ElementsAre(32, 31));
}

TEST(Classes, NoSetNoTable) {
    Classes classes(Family::kIpv4);
    ASSERT_TRUE(classes.number());
    EXPECT_EQ(classes.table(), EDGEFW_CLASSES_NONE);
    EXPECT_EQ(classes.count(), 0u);
}

// Sets in a ring, each overlapping the next: a numbering in order of the sets would cut each in two.
TEST(Classes, NeighboursInFewRuns) {
    Classes classes(Family::kIpv4);
    std::vector<Classes::SetId> sets;
    for (int i = 0; i < 6; ++i) {
        const std::string low = "10.0." + std::to_string(i) + ".0";
        const std::string high = "10.0." + std::to_string(i + 1) + ".127";
        sets.push_back(classes.add(ranges({low + "-" + high})));
    }
    ASSERT_TRUE(classes.number());
    std::size_t runs = 0;
    for (const auto set : sets)
        runs += classes.runs({set}).size();
    EXPECT_LE(runs, 2 * sets.size());
}

TEST(Merged, JoinsNeighboursOfOneFamily) {
    const auto merged = image::merged({range("192.0.2.1-192.0.2.7"), range("192.0.2.0"), range("192.0.2.5-192.0.2.6"),
                                       range("255.255.255.255"), range("::"), range("192.0.2.9")});
    std::string text;
    for (const AddressRange& range : merged)
        text += range.to_text() + " ";
    EXPECT_EQ(text, "192.0.2.0/29 192.0.2.9 255.255.255.255 :: ");
}

TEST(Merged, ButSingleAddresses) {
    const auto merged =
        image::merged_but_singles({range("192.0.2.9"), range("192.0.2.8"), range("192.0.2.8"),
                                   range("192.0.2.0-192.0.2.3"), range("192.0.2.2-192.0.2.5"), range("192.0.2.0"),
                                   range("192.0.2.5"), range("192.0.2.6"), range("0.0.0.0"), range("255.255.255.255")});
    std::string text;
    for (const AddressRange& range : merged)
        text += range.to_text() + " ";
    EXPECT_EQ(text, "0.0.0.0 192.0.2.0-192.0.2.5 192.0.2.6 192.0.2.8 192.0.2.9 255.255.255.255 ");
}

}  // namespace
}  // namespace edgefw::test
