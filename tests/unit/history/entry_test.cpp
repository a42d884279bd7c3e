// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/entry.h"

#include <gtest/gtest.h>

namespace edgefw::history {
namespace {

Entry entry() {
    Entry entry;
    entry.facts = {7, 3, 1'700'000'000, "boot", 12, {"eth0", "eth1"}, false, "d1", "alice", "edgefw push p", "/p", 4};
    entry.sources = {"p", "version: 1\n", {{"office", "/office.yaml", "name: office\n"}}, {{"bad.txt", "/b", "x\n"}}};
    policy::Host host;
    host.name = "oem.test";
    host.addresses = {*Address::parse("192.0.2.7"), *Address::parse("2001:db8::7")};
    host.resolved = 1'699'999'999;
    host.ttl = 60;
    entry.hosts = {host};
    return entry;
}

TEST(HistoryEntry, IsReadAsItWasWritten) {
    const auto bytes = to_bytes(entry());
    ASSERT_TRUE(bytes);
    const auto facts = read_facts(*bytes);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(*facts, entry().facts);
    const auto read = read_entry(*bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->facts, entry().facts);
    EXPECT_EQ(read->sources.to_text(), entry().sources.to_text());
    ASSERT_EQ(read->hosts.size(), 1u);
    EXPECT_EQ(read->hosts[0].name, "oem.test");
    EXPECT_EQ(read->hosts[0].addresses, entry().hosts[0].addresses);
    EXPECT_EQ(read->hosts[0].resolved, 1'699'999'999);
}

TEST(HistoryEntry, OneThatEndsTooEarlyIsNone) {
    const std::string bytes = *to_bytes(entry());
    for (std::size_t size = 0; size < bytes.size(); size++) {
        EXPECT_FALSE(read_facts(bytes.substr(0, size))) << size;
        EXPECT_FALSE(read_entry(bytes.substr(0, size))) << size;
    }
    EXPECT_FALSE(read_facts(bytes + "x"));
}

TEST(HistoryEntry, NoByteOfTheTextsCanChange) {
    const std::string bytes = *to_bytes(entry());
    for (std::size_t i = bytes.find('\n') + 1; i < bytes.size(); i++) {
        std::string other = bytes;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(read_entry(other)) << i;
    }
}

// Any byte of the first line: read, or refused, and no crash.
TEST(HistoryEntry, NoByteOfTheFactsBreaksTheReader) {
    const std::string bytes = *to_bytes(entry());
    for (std::size_t i = 0; i <= bytes.find('\n'); i++) {
        for (const int flip : {1, 2, 16, 255}) {
            std::string other = bytes;
            other[i] = static_cast<char>(other[i] ^ flip);
            const auto facts = read_facts(other);
            const auto read = read_entry(other);
            EXPECT_TRUE(facts || !read) << i;
        }
    }
}

TEST(HistoryEntry, WhatIsNoneIsSaid) {
    for (const char* bytes : {"", "\n", "x\n", "[]\n", "{}\n",
                              R"({"format": 2, "frame": 0})"
                              "\n",
                              R"({"format": 1, "frame": 0})"
                              "\n"}) {
        EXPECT_FALSE(read_facts(bytes)) << bytes;
        EXPECT_FALSE(read_entry(bytes)) << bytes;
    }
    EXPECT_EQ(read_facts("{\"format\": 2, \"frame\": 0}\n").error().message, "another version of edgefw wrote it");
}

}  // namespace
}  // namespace edgefw::history
