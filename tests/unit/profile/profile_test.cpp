// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/profile.h"
#include "userspace/profile/profile_path.h"

#include "tests/unit/profile/profile_folder.h"

namespace edgefw::policy {
namespace {

std::string errors_of(const std::string& text) {
    Diagnostics diagnostics;
    const auto profile = parse_profile("name: t\ndocument: { title: T }\nvariables: { a: { type: address } }\n" + text,
                                       "x/t.yaml", diagnostics);
    EXPECT_EQ(profile == nullptr, !diagnostics.ok());
    return diagnostics.ok() ? "" : diagnostics.to_error("x/t.yaml").message;
}

TEST(Profile, ErrorsBeforeAnyUse) {
    const struct {
        const char* text;
        const char* error;
    } rows[] = {
        {"", ""},
        {"rule: []\n", "x/t.yaml:4:1: unknown key 'rule' in a profile; did you mean 'rules'?"},
        {"rules: {}\n", "x/t.yaml:4:8: `rules:` is a list, this is a mapping"},
        {"rules: [{ name: r, locl: $a }]\n",
         "x/t.yaml:4:20: unknown key 'locl' in a profile's rule; did you mean 'local'?"},
        {"rules: [{ side: external }]\n", "x/t.yaml:4:9: a profile's rule needs `name:`"},
        {"rules: [{ name: r, local: [$a, $b] }]\n", "x/t.yaml:4:32: no variable is named 'b'; did you mean 'a'?"},
        {"rules: [{ name: r, table: nine }]\n", "x/t.yaml:4:27: 'nine' is not a number; write 0 to 9999"},
        {"rules: [{ name: r, when: { c: 1 } }]\n", "x/t.yaml:4:28: no variable or option is named 'c'"},
        {"rules: [{ name: r, when: { a: 10.0.0.1 } }]\n",
         "x/t.yaml:4:31: '10.0.0.1' is not a value of 'a'; write given or absent"},
        {"rules: [{ name: r, when: yes }]\n",
         "x/t.yaml:4:26: a condition is a mapping of variable to value, this is 'yes'"},
        {"options: { o: { type: bool, default: off } }\nrules: [{ name: r, when: { o: on } }]\n", ""},
        {"options: { o: { type: bool, default: off } }\nrules: [{ name: r, when: { o: given } }]\n",
         "x/t.yaml:5:31: 'given' is not a value of 'o'; write true or false"},
        {"options: { a: { type: bool, default: off } }\n",
         "x/t.yaml:4:12: the variable 'a' is there already; rename one of the two"},
        {"options: { o: { type: choice } }\n", "x/t.yaml:4:15: a variable needs `choices:`"},
        {"options: { o: { type: adress } }\n", "x/t.yaml:4:23: 'adress' is not a type; did you mean 'address'?"},
        {"options: { roles: { type: choices, choices: [x], default: all } }\nrules: [{ name: r, role: y }]\n",
         "x/t.yaml:5:26: 'y' is not a choice of `roles`; did you mean 'x'?"},
        {"constraints: [{ section: S }]\n",
         "x/t.yaml:4:15: a constraint is one of `publicly-routable:` and `no-nat:`, a list of variables"},
        {"constraints: [{ no-nat: [b] }]\n", "x/t.yaml:4:26: no variable is named 'b'; did you mean 'a'?"},
        {"must_pass: [{ packet: external inbound tcp $anyone:1 > $c:2 }]\n",
         "x/t.yaml:4:23: no variable is named 'c'; did you mean 'a'?"},
        {"must_drop: [{ rule: r }]\n", "x/t.yaml:4:13: a packet needs `packet:`"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(errors_of(row.text), row.error) << row.text;
}

using ProfilePathTest = testing::ProfileFolder;

TEST_F(ProfilePathTest, NamesAndFirstHit) {
    add("b", "name: b\ndocument: { title: T }\n");
    add("a", "name: wrong\ndocument: { title: T }\n");
    std::ofstream(std::string(folder_) + "/notes.txt") << "x";
    const ProfilePath both{{"/nonexistent", folder_, EDGEFW_SOURCE_DIR "/profiles"}};
    const auto names = profile_names(both);
    EXPECT_EQ(names.front(), "a");
    EXPECT_NE(std::find(names.begin(), names.end(), "theoffice-v2-gateway"), names.end());
    EXPECT_EQ(std::count(names.begin(), names.end(), "notes"), 0);
    EXPECT_EQ(profile_file("b", both), std::string(folder_) + "/b.yaml");
    EXPECT_EQ(profile_file("../profiles/b", both), "");
    EXPECT_EQ(
        without_folder(load_profile("a", both).error().message),
        "a.yaml:1:1: the profile is named 'wrong' and the file 'a.yaml'; a profile's file is its name with .yaml");
    EXPECT_TRUE(load_profile("b", both));
    EXPECT_EQ(load_profile("c", path()).error().message.find("no profile is named 'c'"), 0u);
}

TEST(ProfilePathStandard, ExtraFoldersFirst) {
    const ProfilePath path = ProfilePath::standard({"/x"});
    EXPECT_EQ(path.folders.front(), "/x");
    EXPECT_NE(std::find(path.folders.begin(), path.folders.end(), "/etc/edgefw/profiles"), path.folders.end());
    // This binary runs from the build folder.
    EXPECT_EQ(path.folders[1], EDGEFW_SOURCE_DIR "/profiles");
}

}  // namespace
}  // namespace edgefw::policy
