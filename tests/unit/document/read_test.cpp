// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/document.h"

#include <gtest/gtest.h>

#include "tests/unit/show/cards.h"

namespace edgefw::document {
namespace {

TEST(Document, FindsIdsAndSlots) {
    const Result<Document> document = read(show::kDocument);
    ASSERT_TRUE(document);
    ASSERT_EQ(document->rules.size(), 3u);
    EXPECT_EQ(document->rules[0].id, "admin-ssh");
    EXPECT_EQ(document->rules[0].profile, "");
    EXPECT_EQ(document->rules[1].profile, "ocs2007");
    EXPECT_EQ(document->rules[1].slot, 1026u);
    EXPECT_EQ(document->rules[2].side, "internal");
    EXPECT_EQ(document->rules[2].direction, "outbound");
    EXPECT_EQ(document->rules[2].action, "drop");
    ASSERT_EQ(document->nat.size(), 1u);
    EXPECT_EQ(document->nat[0].id, "office/map");
    EXPECT_EQ(document->nat[0].slot, 32u);
}

TEST(Document, NoPolicyHasNoRules) {
    const Result<Document> document = read("");
    ASSERT_TRUE(document);
    EXPECT_TRUE(document->rules.empty());
    EXPECT_TRUE(document->nat.empty());
}

TEST(Document, WhatIsNotReadableIsAnError) {
    for (const char* text : {"{", "[]", "null", "\xff"}) {
        const Result<Document> document = read(text);
        ASSERT_FALSE(document) << text;
        EXPECT_EQ(document.error().kind, ErrorKind::kFailed);
    }
}

policy::Host host(const std::string& name, const std::string& address, std::int64_t resolved = 1) {
    policy::Host host;
    host.name = name;
    host.addresses = {*Address::parse(address)};
    host.resolved = resolved;
    return host;
}

TEST(HostsDigest, IsOfNamesAndAddressesAlone) {
    EXPECT_EQ(hosts_digest({}), nullptr);
    const auto digest = hosts_digest({host("a.example", "192.0.2.1")});
    EXPECT_EQ(digest.get<std::string>().size(), 64u);
    EXPECT_EQ(hosts_digest({host("a.example", "192.0.2.1", 2)}), digest) << "when it was found does not count";
    EXPECT_NE(hosts_digest({host("a.example", "192.0.2.2")}), digest);
    EXPECT_NE(hosts_digest({host("b.example", "192.0.2.1")}), digest);
    EXPECT_NE(hosts_digest({host("a.example", "192.0.2.1"), host("b.example", "192.0.2.1")}), digest);
}

// What the kernel layer writes into the document comes back out of it.
TEST(Document, SlotsGoInAndComeOut) {
    const std::string text =
        with_slots(R"({"rules": [{"id": "a"}], "nat": [{"id": "n"}]})", {{"a", 1024}, {"n", 32}}, 7);
    EXPECT_EQ(slots_of(text), (Slots{{"a", 1024}, {"n", 32}}));
    EXPECT_EQ(read(text)->generation, 7u);
    EXPECT_TRUE(slots_of("no json").empty());
}

TEST(Document, KnowsWhichSideItIsFor) {
    const auto document = read(R"({"rules": [{"id": "a", "side": "internal"}],
        "defaults": {"external": {"inbound": "drop", "outbound": "pass"}, "internal": {"inbound": "pass", "outbound": "pass"}}})");
    ASSERT_TRUE(document);
    EXPECT_TRUE(document->has_rules_for(policy::Side::kInternal));
    EXPECT_FALSE(document->has_rules_for(policy::Side::kExternal));
    EXPECT_TRUE(document->drops[0]);
    EXPECT_FALSE(document->drops[1]);
}

}  // namespace
}  // namespace edgefw::document
