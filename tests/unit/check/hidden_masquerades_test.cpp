// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/hidden_masquerades.h"

#include "tests/unit/language/language.h"

namespace edgefw::policy {
namespace {

using testing::load_lines;

// Returns the warnings of a policy whose `nat:` has these entries, one a line from line 4 on, and whose default passes.
std::string warnings_of(const std::vector<std::string>& entries) {
    std::string text = "default: pass\nnat:\n";
    for (const std::string& entry : entries)
        text += "- {" + entry + "}\n";
    const auto policy = load_lines(text);
    if (!policy) return policy.error().message;
    std::string warnings;
    for (const std::string& warning : policy->warnings)
        warnings += (warnings.empty() ? "" : "\n") + warning;
    return warnings;
}

TEST(HiddenMasquerades, OneEarlierMasquerade) {
    const struct {
        const char* earlier;
        const char* later;
        bool hidden;
    } rows[] = {
        {"from: 10.0.0.0/24", "from: 10.0.0.0/24", true},
        {"from: 10.0.0.0/24", "from: 10.0.0.5", true},
        {"from: 10.0.0.0/24", "from: 10.0.0.0/24, to: 198.51.100.0/24", true},
        {"from: 10.0.0.0/24", "from: 10.0.0.0/24, protocol: udp, keep_parity: true", true},
        {"from: 10.0.0.0/24, protocol: udp", "from: 10.0.0.0/24, protocol: udp", true},
        {"from: 10.0.0.0/24, to: 0.0.0.0/0", "from: 10.0.0.0/24", true},
        {"from: 10.0.0.0/24, to: [0.0.0.0/1, 128.0.0.0/1]", "from: 10.0.0.0/24", true},
        {"from: [10.0.0.0/25, 10.0.0.128/25]", "from: 10.0.0.0/24", true},
        {"from: [10.0.0.0/24, 10.0.2.0/24]", "from: [10.0.0.7, 10.0.2.0/25]", true},
        {"from: 0.0.0.0/0", "from: 255.255.255.255", true},
        {"from: 10.0.0.0/24, side: internal", "from: 10.0.0.0/24, side: internal", true},
        // The later one has more: addresses at an edge or in a gap, destinations, protocols.
        {"from: 10.0.0.0/24", "from: 10.0.0.255-10.0.1.0", false},
        {"from: 10.0.1.0/24", "from: 10.0.0.255-10.0.1.0", false},
        {"from: [10.0.0.0/25, 10.0.0.129-10.0.0.255]", "from: 10.0.0.0/24", false},
        {"from: 10.0.0.0/24", "from: [10.0.0.7, 10.0.2.7]", false},
        {"from: 10.0.0.5", "from: 10.0.0.0/24", false},
        {"from: 10.0.0.0/24, to: 198.51.100.0/24", "from: 10.0.0.0/24", false},
        {"from: 10.0.0.0/24, to: 198.51.100.0/24", "from: 10.0.0.0/24, to: 198.51.100.0/23", false},
        {"from: 10.0.0.0/24, to: 0.0.0.0-255.255.255.254", "from: 10.0.0.0/24", false},
        {"from: 10.0.0.0/24, protocol: udp", "from: 10.0.0.0/24", false},
        {"from: 10.0.0.0/24, protocol: udp", "from: 10.0.0.0/24, protocol: tcp", false},
        {"from: 10.0.0.0/24, side: internal", "from: 10.0.0.0/24", false},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(warnings_of({std::string("name: office, type: masquerade, as: 203.0.113.7, ") + row.earlier,
                               std::string("name: never, type: masquerade, as: 203.0.113.8, ") + row.later}),
                  row.hidden ? "p:5:3: the masquerade 'never' never translates: 'office' before it takes all that it "
                               "names; move it up or remove it"
                             : "")
            << row.earlier << " | " << row.later;
    }
}

// What the data path asks first, on the card where it asks.
TEST(HiddenMasquerades, StaticEntryOfTheHost) {
    const std::string warning =
        "p:5:3: the masquerade 'm' never translates: the static entry 's' before it takes all that it names; remove it";
    const auto of = [](const std::string& entry, const std::string& masquerade) {
        return warnings_of({"name: s, type: static, public: 203.0.113.8, to: 10.0.0.5" + entry,
                            "name: m, type: masquerade, as: 203.0.113.7, " + masquerade});
    };
    const std::string hairpin = ", hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}";
    EXPECT_EQ(of("", "from: 10.0.0.5"), warning);
    EXPECT_EQ(of(hairpin, "from: 10.0.0.5"), warning);
    EXPECT_EQ(of(", side: internal", "from: 10.0.0.5, side: internal"), warning);
    EXPECT_EQ(of("", "from: 10.0.0.4/31"), "");
    EXPECT_EQ(of("", "from: [10.0.0.5, 10.0.0.7]"), "");
    EXPECT_EQ(of("", "from: 10.0.0.5, side: internal"), "");
    EXPECT_EQ(of(hairpin, "from: 10.0.0.5, side: internal"), "");
    EXPECT_EQ(warnings_of({"name: m, type: masquerade, as: 203.0.113.7, from: 10.0.0.5",
                           "name: f, type: port-forward, protocol: tcp, public: 203.0.113.8, public_port: 80, "
                           "to: 10.0.0.5"}),
              "");
}

TEST(HiddenMasquerades, MappedEntriesWithOneServer) {
    const auto of = [](const std::string& map, const std::string& rest) {
        return warnings_of(
            {"name: a, type: mapped, protocol: tcp, public: 10.0.0.1, map: {9001: 198.51.100.9, 9002: "
             "198.51.100.10}, to_port: 443, from: 10.0.0.0/24, as: 203.0.113.7",
             "name: b, type: mapped, public: 10.0.0.2, as: 203.0.113.8, map: {" + map + "}, " + rest});
    };
    const std::string same = "protocol: tcp, to_port: 443, from: 10.0.0.0/24";
    const auto warning = [](const std::string& part) {
        return "p:5:3: the masquerade 'b/masquerade' never translates" + part +
               ": 'a/masquerade' before it takes all that it names; move it up, or map the server in one entry alone";
    };
    EXPECT_EQ(of("9001: 198.51.100.9", same), warning(""));
    EXPECT_EQ(of("9001: 198.51.100.9", "protocol: tcp, to_port: 443, from: 10.0.0.7"), warning(""));
    EXPECT_EQ(of("1: 198.51.100.9, 2: 198.51.100.10", same), warning(""));
    EXPECT_EQ(of("1: 198.51.100.8, 2: 198.51.100.9", same), warning(" towards 198.51.100.9"));
    EXPECT_EQ(of("9001: 198.51.100.8", same), "");
    EXPECT_EQ(of("9001: 198.51.100.9", "protocol: udp, to_port: 443, from: 10.0.0.0/24"), "");
    EXPECT_EQ(of("9001: 198.51.100.9", "protocol: tcp, to_port: 444, from: 10.0.0.0/24"), "");
    EXPECT_EQ(of("9001: 198.51.100.9", "protocol: tcp, to_port: 443, from: 10.0.1.0/24"), "");
    // A mapped entry comes before a masquerade of the same network, and takes one port alone.
    EXPECT_EQ(
        warnings_of({"name: m, type: masquerade, from: 10.0.0.0/24, as: 203.0.113.7",
                     "name: b, type: mapped, public: 10.0.0.2, as: 203.0.113.8, map: {1: 198.51.100.9}, " + same}),
        "");
}

// Two public addresses of one server need a hairpin each; it is no mistake where both say the same.
TEST(HiddenMasquerades, HairpinsOfOneServer) {
    const auto of = [](const std::string& port, const std::string& hairpin) {
        return warnings_of(
            {"name: a, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80, to: "
             "10.0.0.5, hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}",
             "name: b, type: port-forward, protocol: tcp, public: 203.0.113.8, public_port: " + port +
                 ", to: 10.0.0.5, hairpin: {from: 10.0.0.0/24, " + hairpin + "}"});
    };
    const std::string warning =
        ": the masquerade 'b/hairpin' never translates: 'a/hairpin' before it takes all that it names; move it up, or "
        "give both hairpins the same `as` and `ports`";
    EXPECT_EQ(of("80", "as: 10.0.0.1"), "");
    EXPECT_EQ(of("80", "as: 10.0.0.2"), "p:5:109" + warning);
    EXPECT_EQ(of("80", "as: 10.0.0.1, ports: 61000-61999"), "p:5:109" + warning);
    EXPECT_EQ(of("81", "as: 10.0.0.2"), "");
    EXPECT_EQ(warnings_of({"name: s, type: static, public: 203.0.113.8, to: 10.0.0.5, hairpin: {from: 10.0.0.0/24, as: "
                           "10.0.0.1}",
                           "name: m, type: masquerade, side: internal, from: 10.0.0.7, to: 10.0.0.5, as: 10.0.0.2"}),
              "p:5:3: the masquerade 'm' never translates: 's/hairpin' before it takes all that it names; remove it");
}

}  // namespace
}  // namespace edgefw::policy
