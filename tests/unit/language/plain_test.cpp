// SPDX-License-Identifier: GPL-2.0-only
// Whatever the plain reader takes, it reads as yaml-cpp does: same tree, same places, no errors.
#include "userspace/language/plain.h"

#include <gtest/gtest.h>

#include <random>

#include "userspace/language/yaml.h"

namespace edgefw::policy {
namespace {

const std::string kFile = "p";

// Every node with its place.
std::string places(const Node& node) {
    if (node.kind == Node::Kind::kDeferred) return places(read_deferred(node));
    std::string text = std::to_string(node.line) + ":" + std::to_string(node.column) + " ";
    text += node.is_scalar() ? "'" + node.text + "'" : node.is_map() ? "{" : node.is_list() ? "[" : "null";
    for (const Node& item : node.items)
        text += " " + places(item);
    return node.items.empty() ? text : text + " .";
}

enum class Taken { kNo, kYes };

Taken expect_equal(const std::string& text) {
    const auto plain = read_plain(text, &kFile);
    if (!plain) return Taken::kNo;
    Diagnostics diagnostics;
    const Node yaml = read_yaml(text, &kFile, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_error("p").message << "\nin:\n" << text;
    EXPECT_EQ(places(*plain), places(yaml)) << "in:\n" << text;
    const auto deferred = read_plain(text, &kFile, "rules");
    EXPECT_EQ(deferred ? places(*deferred) : "not taken", places(yaml)) << "in:\n" << text;
    return Taken::kYes;
}

TEST(Plain, TakesTheEveryday) {
    const char* texts[] = {
        "a: 1\n",
        "a: 1",
        "# c\n\n  # d\na: b # e\n",
        "a:\n  b: c\n  d: e\nf: g\n",
        "a:\n- b\n- c\nd: e\n",
        "a:\n  - b\n  - c: d\n    e: f\n  - [g, h]\n",
        "- a:\n  - b\n- c\n",
        "- - a\n  - b\n- c\n",
        "-   a: b\n    c: d\n",
        "a: []\nb: {}\n",
        "a: [198.51.100.0/24, 2001:db8:7::/48, fe80::1, \"::1\", 'x y', $set]\n",
        "a: [ b , {c: d, e: [f]} ]\n",
        "a: { b: c d, e: 50000-59999 }\n",
        "packet: external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ack\n",
        "a: \"b # c: d\" # e\nf: 'g'\n",
        "a: b#c\n",
    };
    for (const char* text : texts) {
        // '#' inside a scalar is left to yaml-cpp.
        EXPECT_EQ(expect_equal(text), std::string(text) == "a: b#c\n" ? Taken::kNo : Taken::kYes) << text;
    }
}

TEST(Plain, LeavesTheRest) {
    const char* texts[] = {
        "",
        "# c\n",
        "a\n",
        "a:\n",
        "a: null\n",
        "a: ~\n",
        "a: b\n  c\n",
        "a: 1\na: 2\n",
        "{a: 1, a: 2}\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: !t b\n",
        "a: |\n  b\n",
        "a: >\n  b\n",
        "a: [b,\n  c]\n",
        "a: [b, ]\n",
        "a: [b: c]\n",
        "a: [b\n",
        "a: b: c\n",
        "a: fe80::\n",
        "a: [fe80::]\n",
        "a: 'it''s'\n",
        "a: \"\\n\"\n",
        "---\na: b\n",
        "a: b\n...\n",
        "? a\n: b\n",
        "a:\tb\n",
        "a: b\r\n",
        "\xef\xbb\xbf"
        "a: b\n",
        "a:\n    - b\n  - c\n",
        " a: b\nc: d\n",
        "a: \xc3\xa4\n",
        "- a\nb: c\n",
        "a: - b\n",
        "-\n",
        "# c\ra: b\n",
    };
    for (const char* text : texts)
        EXPECT_EQ(expect_equal(text), Taken::kNo) << text;
}

std::string sample() {
    return R"(version: 1
default: {external: {inbound: drop, outbound: pass}, internal: pass}
# sets
sets:
  offices: [198.51.100.0/24, "2001:db8:7::"]
  hosts:
  - 192.0.2.1 # one
  - 2001:db8::1
rules:
  - name: ssh
    side: external
    local_port: [22, 2200-2210]
    description: 'for: people'

  - {name: ping, protocol: icmp, icmp: [echo-request, 3/4], with: {a: [], b: {}}}
  - use: shop
    with:
      roles:
        - a
        -   b: c
            d: e
tests:
  - packet: external inbound tcp 198.51.100.9:40000 > 192.0.2.10:22
)";
}

TEST(Plain, MapsOfOneListAreDeferred) {
    const auto root = read_plain(sample(), &kFile, "rules");
    ASSERT_TRUE(root);
    const Node& rules = *root->find("rules");
    ASSERT_EQ(rules.items.size(), 3u);
    EXPECT_EQ(rules.items[0].kind, Node::Kind::kDeferred);
    EXPECT_TRUE(rules.items[0].items.empty());
    EXPECT_EQ(rules.items[0].line, 10);
    EXPECT_EQ(read_deferred(rules.items[0]).find("local_port")->items[1].line, 12);
    EXPECT_EQ(rules.items[1].kind, Node::Kind::kDeferred);
    EXPECT_EQ(read_deferred(rules.items[1]).find("icmp")->items[1].text, "3/4");
    EXPECT_TRUE(rules.items[2].is_map()) << "what has `use`";
    EXPECT_TRUE(root->find("tests")->items[0].is_map());
}

TEST(Plain, MutationsReadTheSame) {
    const std::string alphabet = "[]{}:,-#&*!|>'\"%@` \n\n  \t\r~?.$a0";
    std::mt19937 random(9555);  // the same in each run: a failure is found again
    int taken = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text = sample();
        for (int edit = 0; edit < 1 + round % 3; ++edit) {
            const std::size_t at = random() % text.size();
            switch (random() % 4) {
                case 0:
                    text[at] = alphabet[random() % alphabet.size()];
                    break;
                case 1:
                    text.insert(at, 1, alphabet[random() % alphabet.size()]);
                    break;
                case 2:
                    text.insert(at, text.substr(random() % text.size(), random() % 40));
                    break;
                default:
                    text.erase(at, 1 + random() % 12);
            }
        }
        taken += expect_equal(text) == Taken::kYes ? 1 : 0;
    }
    EXPECT_GT(taken, 300);
}

}  // namespace
}  // namespace edgefw::policy
