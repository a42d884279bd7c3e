// SPDX-License-Identifier: GPL-2.0-only
// Sets whose members lie in text files: what is read, what is refused, and that what is in force needs no file.
#include "userspace/language/set_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "userspace/base/sha256.h"
#include "userspace/document/document.h"
#include "userspace/engine/build.h"

namespace edgefw::engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kBytesTooMany = policy::kMaxSetFileBytes + 1;

class SetFiles : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(mkdtemp(folder_), nullptr);
        folder = folder_;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder + "/" + name, std::ios::binary) << text;
    }
    // A policy in the folder with the set `s`.
    Source policy_with(const std::string& set) const {
        return {folder + "/p.yaml", "version: 1\nsets:\n  s: " + set + "\n"};
    }
    // The members of `s` when the file a.txt has this text.
    std::string members(const std::string& text, const std::string& set = "{file: a.txt}") const {
        write("a.txt", text);
        const auto policy = load_policy(policy_with(set), {});
        if (!policy) return policy.error().message;
        return document::write(*policy)["sets"][0]["members"].dump();
    }
    // What is said of the file a.txt with this text.
    std::string error_of(const std::string& text) const {
        std::string message = members(text);
        const std::string place = folder + "/a.txt:";
        return message.starts_with(place) ? message.substr(place.size()) : "no place: " + message;
    }
    // What is said where the policy names the file.
    std::string refusal_of(const std::string& set) const {
        const auto policy = load_policy(policy_with(set), {});
        if (policy) return "";
        const std::string place = folder + "/p.yaml:3:";
        const std::string& message = policy.error().message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message.starts_with(place) ? message.substr(place.size()) : "no place: " + message;
    }

    char folder_[32] = "/tmp/edgefw-sets-XXXXXX";
    std::string folder;
};

TEST_F(SetFiles, AHostPrefixOrRangeALine) {
    const std::string three = R"(["192.0.2.1","198.51.100.0/24","203.0.113.5-203.0.113.9","2001:db8::/32"])";
    EXPECT_EQ(members("2001:db8::/32\n192.0.2.1\n198.51.100.0/24\n203.0.113.5-203.0.113.9\n"), three);
    EXPECT_EQ(members("# all\n\n 192.0.2.1\t# one\r\n198.51.100.0/24 \r\n\r\n203.0.113.5-203.0.113.9#\n2001:db8::/32"),
              three);
    EXPECT_EQ(members("\xEF\xBB\xBF"
                      "192.0.2.1\n"),
              R"(["192.0.2.1"])");
    EXPECT_EQ(members("192.0.2.1\n192.0.2.1\n192.0.2.0/30\n"), R"(["192.0.2.0/30"])");
    EXPECT_EQ(members(""), "[]");
    EXPECT_EQ(members("# n\xC3\xB3ne\n"), "[]");
}

TEST_F(SetFiles, BesideMembersOfThePolicy) {
    EXPECT_EQ(members("192.0.2.1\n", "{file: a.txt, members: [198.51.100.7]}"), R"(["192.0.2.1","198.51.100.7"])");
    EXPECT_EQ(members("192.0.2.1\n", "{members: 198.51.100.7, file: a.txt}"), R"(["192.0.2.1","198.51.100.7"])");
    EXPECT_EQ(members("192.0.2.1\n", "{file: " + folder + "/a.txt, members:}"), R"(["192.0.2.1"])");
}

TEST_F(SetFiles, AWrongLineIsNamed) {
    EXPECT_EQ(error_of("192.0.2.1\n  192.0.2.256 # no\n"),
              "2:3: '192.0.2.256' is not an IP address, prefix or first-last range");
    EXPECT_THAT(error_of("192.0.2.1/24\n"), StartsWith("1:1: "));
    EXPECT_THAT(error_of("192.0.2.1 192.0.2.2\n"), StartsWith("1:1: "));
    EXPECT_THAT(error_of("192.0.2.1\rx\n"), StartsWith("1:1: "));
    EXPECT_THAT(error_of("bad.example.com\n"), HasSubstr("is a host name"));
    EXPECT_THAT(error_of("$other\n"), HasSubstr("a set cannot be named here"));
    EXPECT_THAT(error_of("any\n"), HasSubstr("`any` stands alone"));
    EXPECT_THAT(error_of("- 192.0.2.1\n"), StartsWith("1:1: "));
    EXPECT_EQ(error_of(std::string("# a\n192.0\0.2.1\n", 15)), "2:6: a control character (byte 0); remove it");
    EXPECT_EQ(error_of("# \xFF\n"), "1:3: this is not UTF-8; save the file as UTF-8");
    EXPECT_LT(error_of(std::string(1 << 20, '1')).size(), 200u);
}

// A download that failed leaves this behind.
TEST_F(SetFiles, AFileWithoutAnAddressIsSaid) {
    write("a.txt", "# nothing\n");
    const auto policy = load_policy(policy_with("{file: a.txt}"), {});
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_THAT(policy->warnings, testing::ElementsAre(HasSubstr("p.yaml:3:13: the file 'a.txt' holds no address")));
}

TEST_F(SetFiles, WrongLinesAreBounded) {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "x\n";
    const std::string message = members(text);
    EXPECT_LT(message.size(), 1u << 20);
    EXPECT_THAT(message, HasSubstr("and 99000 more errors"));
}

TEST_F(SetFiles, WhatIsNoRegularFileIsRefused) {
    write("a.txt", "192.0.2.1\n");
    std::filesystem::create_symlink("a.txt", folder + "/link.txt");
    std::filesystem::create_symlink("loop.txt", folder + "/loop.txt");
    ASSERT_EQ(mkfifo((folder + "/pipe.txt").c_str(), 0600), 0);
    EXPECT_EQ(refusal_of("{file: link.txt}"), "");
    EXPECT_EQ(refusal_of("{file: none.txt}"),
              "13: cannot read " + folder +
                  "/none.txt: No such file or directory; it is looked for from the policy's folder on");
    EXPECT_EQ(refusal_of("{file: loop.txt}"),
              "13: cannot read " + folder + "/loop.txt: Too many levels of symbolic links");
    EXPECT_EQ(refusal_of("{file: pipe.txt}"), "13: " + folder + "/pipe.txt is no regular file; write one there")
        << "and at once";
    EXPECT_EQ(refusal_of("{file: .}"), "13: " + folder + "/. is no regular file; write one there");
    EXPECT_EQ(refusal_of("{file: \"a\\0.txt\"}").find("13: 'a"), 0u) << "the rest of the name does not go unseen";
    EXPECT_THAT(refusal_of("{file: [a.txt, b.txt]}"), HasSubstr("a list is not the name of a file"));
    EXPECT_THAT(refusal_of("{file: ''}"), HasSubstr("is not the name of a file"));
    EXPECT_THAT(refusal_of("{members: [192.0.2.1]}"), HasSubstr("a set needs `file:`"));
    EXPECT_THAT(refusal_of("{file: a.txt, member: 192.0.2.1}"), HasSubstr("did you mean 'members'?"));
}

TEST_F(SetFiles, AreBounded) {
    write("long.txt", std::string(kBytesTooMany, '#'));
    EXPECT_THAT(refusal_of("{file: long.txt}"), HasSubstr("long.txt is larger than 64 MiB; "));
    write("half.txt", std::string(kBytesTooMany / 2 + 1, '#'));
    std::filesystem::create_symlink("half.txt", folder + "/other.txt");
    EXPECT_EQ(refusal_of("{file: half.txt}\n  t: {file: half.txt}"), "") << "one file is read once";
    const auto both = load_policy(policy_with("{file: half.txt}\n  t: {file: other.txt}"), {});
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().message, folder +
                                        "/p.yaml:4:13: the files of all sets are larger than 64 MiB from here on; "
                                        "write prefixes instead of hosts");
}

TEST_F(SetFiles, TheDigestIsOfTheirContent) {
    const auto digest = [&](const std::string& text) {
        write("a.txt", text);
        const auto policy = load_policy(policy_with("{file: a.txt}"), {});
        return policy ? policy->digest : policy.error().message;
    };
    const std::string own = *sha256(*policy_with("{file: a.txt}").text);
    const std::string list = own + "  policy\n" + *sha256("192.0.2.1\n") + "  file a.txt\n";
    EXPECT_EQ(digest("192.0.2.1\n"), *sha256(list));
    EXPECT_NE(digest("192.0.2.1\n# more\n"), digest("192.0.2.1\n"));
}

// What is in force is compiled again from what is kept: the files may be gone, or others.
TEST_F(SetFiles, ABuildAgainReadsNone) {
    write("a.txt", "192.0.2.1\n");
    Source source = policy_with("{file: a.txt}");
    *source.text += "rules:\n- {name: r, side: external, remote: $s, action: pass}\n";
    const World world{{}, [](policy::Policy&) -> Result<Ok> { return Ok{}; }};
    const auto built = build(source, world);
    ASSERT_TRUE(built) << built.error().message;
    write("a.txt", "198.51.100.1\n");
    const auto sources = document::read_sources(built->compiled.sources);
    ASSERT_TRUE(sources) << sources.error().message;
    for (int i = 0; i < 2; ++i) {
        const auto again = build_again(*sources, {});
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(again->compiled.document, built->compiled.document);
        EXPECT_EQ(again->compiled.digest, built->compiled.digest);
        EXPECT_EQ(again->compiled.sources, built->compiled.sources);
        std::filesystem::remove(folder + "/a.txt");
    }
    auto without = *sources;
    without.set_files.clear();
    const auto refused = build_again(without, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("p.yaml:3:13: the file 'a.txt' is not kept with the policy; "));
}

}  // namespace
}  // namespace edgefw::engine
