// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/parse.h"

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
        {"a: 1\n]\n", "p:2:1: YAML syntax: this ']' closes nothing; remove it"},
        {"a: 1\n\x04"
         "b: 2\n",
         "p:2:1: a control character (byte 4); remove it"},
        {"a: \xff\n", "p:1:4: this is not UTF-8; save the file as UTF-8"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(tree_of(row.text), row.error) << row.text;
}

// A policy of which one line is wrong, and what is said of it: where the mistake is, not where the grammar stumbles.
TEST(Parse, CommonMistakes) {
    const std::string policy =
        "version: 1\n"
        "default: drop\n"
        "sets:\n"
        "  bad: [198.51.100.0/24, 10.0.0.1]\n"
        "  more:\n"
        "    - 10.0.0.1\n"
        "    - 10.0.0.2\n"
        "rules:\n"
        "  - name: web\n"
        "    side: external\n"
        "    protocol: tcp\n"
        "    local: [10.0.0.5, 10.0.0.6]\n"
        "    description: \"a: b\"\n"
        "    action: pass\n"
        "  - { name: ssh, side: external, protocol: tcp, local_port: [22, 23],\n"
        "      remote: $bad, action: pass }\n"
        "tests:\n"
        "- packet: external inbound tcp 1.1.1.1:1 > 2.2.2.2:2\n"
        "  expect: drop\n";
    ASSERT_EQ(tree_of(policy).find("p:"), std::string::npos) << tree_of(policy);
    const struct {
        const char* line;
        const char* instead;
        const char* error;
    } rows[] = {
        // One space too few, or too many.
        {"    side: external", "   side: external",
         "p:10:4: YAML syntax: this line does not fit in column 4; begin it in column 5, below 'name' of line 9"},
        {"    side: external", "     side: external",
         "p:10:6: YAML syntax: this line does not fit in column 6; begin it in column 5, below 'name' of line 9"},
        {"    side: external", "  side: external",
         "p:10:3: YAML syntax: this line does not fit in column 3; begin it in column 5, below 'name' of line 9"},
        {"    - 10.0.0.2", "   - 10.0.0.2",
         "p:7:4: YAML syntax: this line does not fit in column 4; begin it in column 5, below '-' of line 6"},
        {"  - { name: ssh", " - { name: ssh",
         "p:15:2: YAML syntax: this line does not fit in column 2; begin it in column 3, below '-' of line 9"},
        {"  expect: drop", " expect: drop",
         "p:19:2: YAML syntax: this line does not fit in column 2; begin it in column 3, below 'packet' of line 18"},
        {"default: drop", " default: drop",
         "p:2:2: YAML syntax: this line does not fit in column 2; begin it in column 1, below 'version' of line 1"},
        {"    side: external", "\tside: external", "p:10:1: YAML syntax: a tab in the indentation; write spaces"},
        // A key without its colon, or a colon or dash without its space.
        {"default: drop", "default drop", "p:2:1: YAML syntax: no ': ' behind the key 'default'; write `default: ...`"},
        {"    side: external", "    side external",
         "p:10:5: YAML syntax: no ': ' behind the key 'side'; write `side: ...`"},
        {"  - name: web", "  - name web", "p:9:5: YAML syntax: no ': ' behind the key 'name'; write `name: ...`"},
        {"\nrules:", "\nrules", "p:8:1: YAML syntax: no ': ' behind the key 'rules'; write `rules: ...`"},
        {"    side: external", "    side:external", "p:10:5: YAML syntax: no space behind 'side:'; write `side: ...`"},
        {"  - name: web", "  -name: web", "p:9:3: YAML syntax: no space behind the '-'; write `- name: web`"},
        // In a flow map.
        {"name: ssh, side: external, protocol", "name: ssh, side: external protocol",
         "p:15:41: YAML syntax: end of map flow not found; a ',' is missing before 'protocol'"},
        {"protocol: tcp, local_port: [22, 23],", "remote: 2001:db8:: ,",
         "p:15:51: YAML syntax: end of map flow not found; quote an address that ends in '::'"},
        // A bracket that is not closed: where it is opened, whatever the line that stumbles.
        {"10.0.0.6]", "10.0.0.6", "p:12:12: YAML syntax: this '[' is not closed; write ']' where it ends"},
        {"10.0.0.1]", "10.0.0.1", "p:4:8: YAML syntax: this '[' is not closed; write ']' where it ends"},
        {"23],", "23,", "p:15:61: YAML syntax: this '[' is not closed; write ']' where it ends"},
        {"pass }", "pass", "p:15:5: YAML syntax: this '{' is not closed; write '}' where it ends"},
        {"10.0.0.6]", "10.0.0.6]]", "p:12:32: YAML syntax: this ']' closes nothing; remove it"},
        {"10.0.0.6]", "10.0.0.6}", "p:12:31: YAML syntax: this '}' closes nothing; remove it"},
        // yaml-cpp takes the rest of the file for a part of it.
        {"\"a: b\"", "\"a: b",
         "p:13:18: YAML syntax: the text that this quote opens is not closed; write \" behind it"},
        {"\"a: b\"", "'a: b", "p:13:18: YAML syntax: the text that this quote opens is not closed; write ' behind it"},
        {"\"a: b\"", "a: b", "p:13:19: YAML syntax: illegal map value; quote a value that holds ': ' or ends in ':'"},
    };
    for (const auto& row : rows) {
        std::string text = policy;
        const std::size_t at = text.find(row.line);
        ASSERT_NE(at, std::string::npos) << row.line;
        text.replace(at, std::string_view(row.line).size(), row.instead);
        EXPECT_EQ(tree_of(text), row.error) << row.line << " | " << row.instead;
    }
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
