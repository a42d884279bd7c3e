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

}  // namespace
}  // namespace edgefw::document
