// SPDX-License-Identifier: GPL-2.0-only
// classes: addresses that the programs look up in sets, by a hash or by a trie.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "tests/kernel/test_run.h"
#include "userspace/image/compile.h"
#include "userspace/image/config.h"

namespace edgefw::test {
namespace {

// Neighbours that are named one by one, as members of a set and in a long list, are hosts.
TEST(Classes, NeighboursNamedOneByOne) {
    for (const char* remote : {"$pair",
                               "[198.51.100.8, 198.51.100.9, 203.0.113.1, 203.0.113.3, 203.0.113.5, "
                               "203.0.113.7, 203.0.113.9, 203.0.113.11, 203.0.113.13]"}) {
        const std::string policy =
            "sets: {pair: [198.51.100.9, 198.51.100.8]}\nrules:\n- {name: r, side: external, "
            "direction: inbound, action: pass, state: none, remote: " +
            std::string(remote) + "}\n";
        const edgefw_config config = compiled(policy).image.config[EDGEFW_EXTERNAL];
        EXPECT_EQ(image::class_lengths(config, Family::kIpv4), std::vector{32});
        TestRun run(policy);
        EXPECT_EQ(run.judge("external inbound tcp 198.51.100.7:1 > 192.0.2.20:2"), "drop default");
        EXPECT_EQ(run.judge("external inbound tcp 198.51.100.8:1 > 192.0.2.20:2"), "pass rule r");
        EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:1 > 192.0.2.20:2"), "pass rule r");
        EXPECT_EQ(run.judge("external inbound tcp 198.51.100.10:1 > 192.0.2.20:2"), "drop default");
    }
}

// Prefixes far from all others, of the same length: thousands, for which a hash takes more lengths than for few.
std::string thousands_of(const Prefix& prefix) {
    const bool ipv4 = prefix.address.family == Family::kIpv4;
    const int shift = (ipv4 ? 32 : 128) - prefix.length;
    Address address = *Address::parse(ipv4 ? "100.0.0.0" : "2400::");
    std::string list;
    for (std::uint32_t i = 0; i < 4096; ++i) {
        list += (i == 0 ? "'" : ", '") + Prefix{address, prefix.length}.to_text() + "'";
        address.value += uint128{2} << shift;
    }
    return list;
}

// Sets of one prefix each, a rule for each set, in this order. `like`: behind them one of thousands.
std::string sets_of(const std::vector<Prefix>& prefixes, const Prefix* like) {
    std::string sets, rules;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        const std::string name = "s" + std::to_string(i);
        sets += (i == 0 ? "" : ", ") + name + ": ['" + prefixes[i].to_text() + "']";
        rules += "- {name: " + name + ", side: external, direction: inbound, remote: $" + name +
                 ", state: none, action: pass}\n";
    }
    if (like != nullptr) {
        sets += ", many: [" + thousands_of(*like) + "]";
        rules += "- {name: many, side: external, direction: inbound, remote: $many, state: none, action: pass}\n";
    }
    return "builtins: {martian: off}\nsets: {" + sets + "}\nrules:\n" + rules;
}

// The ends of each prefix, and their neighbours outside.
std::set<Address> edges_of(const std::vector<Prefix>& prefixes) {
    std::set<Address> edges;
    for (const Prefix& prefix : prefixes) {
        const AddressRange range = AddressRange::of(prefix);
        const AddressRange all = AddressRange::of(Prefix::around(range.first, 0));
        edges.insert({range.first, range.last});
        if (all.first < range.first) edges.insert({range.first.family, range.first.value - 1});
        if (range.last < all.last) edges.insert({range.last.family, range.last.value + 1});
    }
    return edges;
}

// Judges all `edges` as the source of a packet: each is of the first prefix that holds it.
void expect_first(const std::vector<Prefix>& prefixes, const std::set<Address>& edges, const Prefix* like,
                  edgefw_class_table table) {
    const std::string lines = sets_of(prefixes, like);
    const auto family = static_cast<std::size_t>(prefixes[0].address.family);
    ASSERT_EQ(compiled(lines).image.config[EDGEFW_EXTERNAL].class_table[family], unsigned{table});
    TestRun run(lines);
    packet::Packet packet =
        *packet::parse(family == EDGEFW_IPV4 ? "external inbound tcp 192.0.2.1:1 > 192.0.2.20:2"
                                             : "external inbound tcp [2001:db8::1]:1 > [2001:db8:2::20]:2");
    for (const Address& address : edges) {
        const auto holder = std::find_if(prefixes.begin(), prefixes.end(), [&](const Prefix& prefix) {
            return AddressRange::of(prefix).contains(address);
        });
        packet.source = address;
        EXPECT_EQ(run.judge(packet),
                  holder == prefixes.end() ? "drop default" : "pass rule s" + std::to_string(holder - prefixes.begin()))
            << packet.to_text();
    }
}

// Prefixes within one another, the longest first. Few make a trie, thousands a hash, one more of a fifth length a trie
// again: that changes no verdict.
TEST(Classes, TheLongestPrefixCounts) {
    const struct {
        const char* address;
        std::vector<int> lengths;
        const char* apart;  // of a fifth length
        int apart_length;
    } rows[] = {
        {"198.51.100.9", {32, 24, 16, 0}, "203.0.113.128", 25},
        {"198.51.100.9", {31, 25, 15, 1}, "14.0.0.0", 7},
        {"198.51.100.9", {24, 23, 9, 8}, "203.0.113.1", 32},
        {"2001:db8:7:9::9", {128, 64, 32, 0}, "2001:db9:8000::", 33},
        {"2001:db8:7:9::9", {127, 96, 65, 33}, "2001:db9::1", 128},
        {"2001:db8:7:9::9", {97, 63, 31, 1}, "2001:dc0::", 32},
    };
    for (const auto& row : rows) {
        const Address address = *Address::parse(row.address);
        std::vector<Prefix> prefixes;
        for (const int length : row.lengths)
            prefixes.push_back(Prefix::around(address, length));
        const Prefix longest = prefixes.front();
        std::set<Address> edges = edges_of(prefixes);
        expect_first(prefixes, edges, nullptr, EDGEFW_CLASSES_TRIE);
        expect_first(prefixes, edges, &longest, EDGEFW_CLASSES_HASH);
        prefixes.insert(prefixes.begin(), Prefix{*Address::parse(row.apart), row.apart_length});
        edges.merge(edges_of(prefixes));
        expect_first(prefixes, edges, &longest, EDGEFW_CLASSES_TRIE);
    }
}

// A host by name whose addresses come and go within and beside the prefixes of a set, which stay the set's.
TEST(Classes, AHostByNameIsLookedUpBesidePrefixes) {
    const std::string lines =
        "rules:\n"
        "- {name: host, side: external, direction: inbound, protocol: tcp, remote: $nets, state: none, action: pass}\n"
        "- {name: nets, side: external, direction: inbound, remote: $nets, state: none, action: pass}\n"
        "sets:\n  nets: [198.51.100.0/24, 203.0.112.0/24, 20.0.0.0/24, '2001:db8:7::/48', '2003:db8::/48'";
    struct Source {
        const char* address;
        const char* by_tcp;
        const char* by_udp;
    };
    for (const bool trie : {false, true}) {
        policy::Policy policy = policy_of(lines + (trie ? ", 15.16.0.0/12, '2600::/12']\n" : "]\n"));
        policy.rules[0].remote = {};
        policy.rules[0].remote.hosts = {"files.example"};
        policy.hosts = {{"files.example", {}, 1, 60, ""}};
        const Result<image::Image> image = image::compile(policy);
        ASSERT_TRUE(image) << image.error().message;
        for (const __u32 table : image->config[EDGEFW_EXTERNAL].class_table)
            ASSERT_EQ(table, unsigned{trie ? EDGEFW_CLASSES_TRIE : EDGEFW_CLASSES_HASH});
        TestRun run;
        run.push(policy);
        const auto expect = [&](const std::vector<Source>& sources) {
            for (const Source& source : sources) {
                const Address address = *Address::parse(source.address);
                packet::Packet packet = *packet::parse(address.family == Family::kIpv4
                                                           ? "external inbound tcp 192.0.2.1:1 > 192.0.2.20:2"
                                                           : "external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:2");
                packet.source = address;
                EXPECT_EQ(run.judge(packet), source.by_tcp) << packet.to_text() << (trie ? " trie" : " hash");
                packet.protocol = IPPROTO_UDP;
                EXPECT_EQ(run.judge(packet), source.by_udp) << packet.to_text() << (trie ? " trie" : " hash");
            }
        };
        expect({{"198.51.100.9", "pass rule nets", "pass rule nets"},
                {"2001:db8:7::9", "pass rule nets", "pass rule nets"},
                {"192.0.2.9", "drop default", "drop default"},
                {"2a01::9", "drop default", "drop default"}});
        run.move_host("files.example", {"20.0.0.9", "192.0.2.9", "198.51.100.9", "2001:db8:7::9", "2a01::9"});
        expect({{"20.0.0.9", "pass rule host", "pass rule nets"},
                {"20.0.0.8", "pass rule nets", "pass rule nets"},
                {"198.51.100.9", "pass rule host", "pass rule nets"},
                {"198.51.100.8", "pass rule nets", "pass rule nets"},
                {"198.51.100.10", "pass rule nets", "pass rule nets"},
                {"192.0.2.9", "pass rule host", "drop default"},
                {"192.0.2.8", "drop default", "drop default"},
                {"2001:db8:7::9", "pass rule host", "pass rule nets"},
                {"2001:db8:7::8", "pass rule nets", "pass rule nets"},
                {"2a01::9", "pass rule host", "drop default"},
                {"2a01::a", "drop default", "drop default"}});
        run.move_host("files.example", {"198.51.100.10", "2001:db8:7::9"});
        expect({{"20.0.0.9", "pass rule nets", "pass rule nets"},
                {"198.51.100.9", "pass rule nets", "pass rule nets"},
                {"198.51.100.10", "pass rule host", "pass rule nets"},
                {"192.0.2.9", "drop default", "drop default"},
                {"2001:db8:7::9", "pass rule host", "pass rule nets"},
                {"2a01::9", "drop default", "drop default"}});
        run.move_host("files.example", {});
        expect({{"198.51.100.10", "pass rule nets", "pass rule nets"},
                {"2001:db8:7::9", "pass rule nets", "pass rule nets"}});
    }
}

}  // namespace
}  // namespace edgefw::test
