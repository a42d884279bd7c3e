#include "userspace/policy/parse.h"

#include <gtest/gtest.h>

namespace edgefw::policy {
namespace {

std::string tree_of(const std::string& text) {
    Diagnostics diagnostics;
    const Syntax syntax = parse(text, "p", diagnostics);
    return diagnostics.ok() ? syntax.root.to_text() : diagnostics.to_error("p").message;
}

TEST(Parse, Trees) {
    const struct {
        const char* text;
        const char* tree;
    } rows[] = {
        {"", "null"},
        {"# nothing\n", "null"},
        {"a: 1\n", "{a: \"1\"}"},
        {"a:\n", "{a: null}"},
        {"a: [b, 'c: d', \"e\"]\n", "{a: [\"b\", \"c: d\", \"e\"]}"},
        {"- a: {b: c}\n- d\n", "[{a: {b: \"c\"}}, \"d\"]"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{a: \"1\"}"},
        {"a: \"x \\\"y\\\"\"\n", "{a: \"x \\\"y\\\"\"}"},
        {"a: [198.51.100.0/24, 2001:db8:7::/48, ::1, fe80::1]\n",
         "{a: [\"198.51.100.0/24\", \"2001:db8:7::/48\", \"::1\", \"fe80::1\"]}"},
        {"a: 'fe80::'\n", "{a: \"fe80::\"}"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(tree_of(row.text), row.tree) << row.text;
}

TEST(Parse, Errors) {
    const struct {
        const char* text;
        const char* error;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "p:3:1: the key 'a' is there already; remove one of the two"},
        {"x:\n- {a: 1, a: 2}\n", "p:2:10: the key 'a' is there already; remove one of the two"},
        {"a: &x 1\nb: *x\n", "p:2:4: aliases are not supported; write the value out, or name addresses under `sets:`"},
        {"a: !!str 1\n", "p:1:4: tags are not supported; remove 'tag:yaml.org,2002:str'"},
        {"[a]: 1\n", "p:1:1: a key must be a word"},
        {"a: 1\n---\nb: 2\n", "p:2:1: a second document starts here; a policy is one document"},
        {"a: [fe80::]\n", "p:1:5: YAML reads an IPv6 address that ends in '::' as a map; quote it: \"fe80::\""},
        {"a:\n- 2001:db8::\n",
         "p:2:3: YAML reads an IPv6 address that ends in '::' as a map; quote it: \"2001:db8::\""},
        {"a: 2001:db8::\n", "p:1:13: YAML syntax: illegal map value; quote a value that holds ': ' or ends in ':'"},
        {",", "p:1:1: YAML syntax: this starts no value; remove it"},
        {"a: 1\n--- b\n--- c\n", "p:2:1: a second document starts here; a policy is one document"},
        {"a: 1\n]\n",
         "p:2:1: YAML syntax: illegal flow end; check the indentation, brackets and quotes here and in the line above"},
        {"a: 1\n\x04"
         "b: 2\n",
         "p:2:1: a control character (byte 4); remove it"},
        {"a: \xff\n", "p:1:4: this is not UTF-8; save the file as UTF-8"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(tree_of(row.text), row.error) << row.text;
}

// After a syntax error the tree is in pieces: what else it seems to hold is noise.
TEST(Parse, SyntaxErrorAlone) {
    EXPECT_EQ(tree_of("a: 1\na: 2\n[\n").find("there already"), std::string::npos);
}

TEST(Parse, PlacesOfNodes) {
    Diagnostics diagnostics;
    const Syntax syntax = parse("a: 1\nrules:\n  - name: x\n    local: [b, c]\n", "p", diagnostics);
    const Node& rule = syntax.root.find("rules")->items[0];
    EXPECT_EQ(rule.where().to_text(), "p:3:5");
    EXPECT_EQ(rule.find("local")->items[1].where().to_text(), "p:4:16");
}

TEST(Parse, ManyKeysAreStillUnique) {
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "k" + std::to_string(i) + ": 1\n";
    EXPECT_EQ(tree_of(text + "k7: 2\n"), "p:201:1: the key 'k7' is there already; remove one of the two");
}

TEST(Parse, DeepNestingIsRefused) {
    const std::string deep(100'000, '[');
    EXPECT_NE(tree_of(deep).find("p:"), std::string::npos);
    std::string block;
    for (int i = 0; i < 3000; ++i)
        block += "- ";
    EXPECT_NE(tree_of(block + "a\n").find("p:"), std::string::npos);
}

}  // namespace
}  // namespace edgefw::policy
