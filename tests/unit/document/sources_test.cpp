// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/sources.h"

#include <gtest/gtest.h>

namespace edgefw::document {
namespace {

const Sources kSources{"/etc/edgefw/p.yaml",
                       "version: 1\n",
                       {{"office", "/profiles/office.yaml", "name: office\n"}},
                       {{"bad.txt", "/etc/edgefw/bad.txt", "192.0.2.1\n"}}};

TEST(Sources, AreReadAsTheyWereWritten) {
    const auto read = read_sources(kSources.to_text());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->file, kSources.file);
    EXPECT_EQ(read->text, kSources.text);
    ASSERT_EQ(read->profiles.size(), 1u);
    EXPECT_EQ(read->profiles[0].name, "office");
    EXPECT_EQ(read->profiles[0].file, "/profiles/office.yaml");
    EXPECT_EQ(read->profiles[0].text, "name: office\n");
    ASSERT_EQ(read->set_files.size(), 1u);
    EXPECT_EQ(read->set_files[0].name, "bad.txt");
    EXPECT_EQ(read->set_files[0].file, "/etc/edgefw/bad.txt");
    EXPECT_EQ(read->set_files[0].text, "192.0.2.1\n");
}

TEST(Sources, WhatIsNoneIsSaid) {
    for (const char* text : {"", "no json", "[]", "{}", R"({"file": "p", "text": 1, "profiles": []})",
                             R"({"file": "p", "text": "", "profiles": [{}]})",
                             R"({"file": "p", "text": "", "profiles": [], "set_files": [{}]})"}) {
        const auto read = read_sources(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message, "what the policy in force was made of is not readable: push the policy again");
    }
}

TEST(Sources, TheDigestIsOfThePolicyItsProfilesAndItsFiles) {
    const std::string digest = *kSources.digest();
    EXPECT_EQ(digest.size(), 64u);
    Sources other = kSources;
    other.file = "elsewhere";
    other.profiles[0].file = "elsewhere";
    other.set_files[0].file = "elsewhere";
    EXPECT_EQ(*other.digest(), digest) << "where they lie does not count";
    other.text += "#";
    EXPECT_NE(*other.digest(), digest);
    other = kSources;
    other.profiles[0].text += "#";
    EXPECT_NE(*other.digest(), digest);
    other = kSources;
    other.profiles.push_back(other.profiles[0]);
    EXPECT_NE(*other.digest(), digest);
    other = kSources;
    other.set_files[0].text += "#";
    EXPECT_NE(*other.digest(), digest);
    other.profiles.clear();
    const Sources without{"", other.text, {}};
    EXPECT_NE(*other.digest(), *without.digest()) << "a file counts without a profile, too";
}

// The same bytes in a row, divided elsewhere.
TEST(Sources, NoTextPassesForAnothers) {
    const Sources one{"p", "version: 1\n# a", {{"b", "", "c"}}};
    const Sources two{"p", "version: 1\n# ", {{"ab", "", "c"}}};
    const Sources three{"p", "version: 1\n# a", {{"bc", "", ""}}};
    EXPECT_NE(*one.digest(), *two.digest());
    EXPECT_NE(*one.digest(), *three.digest());
    const Sources file{"p", "version: 1\n# a", {}, {{"b", "", "c"}}};
    EXPECT_NE(*one.digest(), *file.digest()) << "a file is no profile";
}

}  // namespace
}  // namespace edgefw::document
