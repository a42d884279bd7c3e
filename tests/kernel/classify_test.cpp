// SPDX-License-Identifier: GPL-2.0-only
// classify: every field of a rule, with a packet inside, at the edge and outside; and the order of rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/kernel/test_run.h"
#include "userspace/image/compile.h"

namespace edgefw::test {
namespace {

struct Row {
    const char* packet;
    const char* expected;
};

void check(const std::string& policy, const std::vector<Row>& rows) {
    TestRun run(policy);
    for (const Row& row : rows) {
        run.forget();
        EXPECT_EQ(run.judge(row.packet), row.expected) << row.packet << "\n" << policy;
    }
}

// One external inbound rule `r`, its restrictions as given.
std::string rule(const std::string& restrictions) {
    return "sets: {offices: [198.51.100.0/24, 203.0.113.5, '2001:db8:7::/48']}\n"
           "rules:\n- {name: r, side: external, direction: inbound, action: pass, state: none, " +
           restrictions + "}\n";
}

TEST(Classify, Protocol) {
    check(rule("protocol: udp"), {
                                     {"external inbound udp 198.51.100.9:1 > 192.0.2.20:2", "pass rule r"},
                                     {"external inbound udp [2001:db8::1]:1 > [2001:db8::2]:2", "pass rule r"},
                                     {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "drop default"},
                                 });
    check(rule("protocol: 47"), {
                                    {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass rule r"},
                                    {"external inbound 46 198.51.100.9 > 192.0.2.20", "drop default"},
                                    {"external inbound 48 198.51.100.9 > 192.0.2.20", "drop default"},
                                });
    check(rule("protocol: 255"), {
                                     {"external inbound 255 198.51.100.9 > 192.0.2.20", "pass rule r"},
                                     {"external inbound 254 198.51.100.9 > 192.0.2.20", "drop default"},
                                 });
    check(rule("protocol: icmp"), {
                                      {"external inbound icmp 198.51.100.9 > 192.0.2.20 3/1", "pass rule r"},
                                      {"external inbound icmp6 2001:db8::1 > 2001:db8::2 3/1", "drop icmp-unrelated"},
                                  });
}

TEST(Classify, LocalAddress) {
    check(rule("local: 192.0.2.20"), {
                                         {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "pass rule r"},
                                         {"external inbound tcp 198.51.100.9:1 > 192.0.2.19:2", "drop default"},
                                         {"external inbound tcp 198.51.100.9:1 > 192.0.2.21:2", "drop default"},
                                         {"external inbound tcp 192.0.2.20:1 > 198.51.100.9:2", "drop default"},
                                     });
    check(rule("local: 192.0.2.16/28"), {
                                            {"external inbound tcp 198.51.100.9:1 > 192.0.2.16:2", "pass rule r"},
                                            {"external inbound tcp 198.51.100.9:1 > 192.0.2.31:2", "pass rule r"},
                                            {"external inbound tcp 198.51.100.9:1 > 192.0.2.15:2", "drop default"},
                                            {"external inbound tcp 198.51.100.9:1 > 192.0.2.32:2", "drop default"},
                                        });
    check(rule("local: 192.0.2.19-192.0.2.33"),
          {
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.19:2", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.33:2", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.18:2", "drop default"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.34:2", "drop default"},
          });
    check(rule("local: 0.0.0.0/0"), {
                                        {"external inbound tcp 198.51.100.9:1 > 255.255.255.255:2", "pass rule r"},
                                        {"external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:2", "drop default"},
                                    });
}

TEST(Classify, RemoteAddressInIpv6) {
    const char* const to = "]:1 > [2001:db8:2::20]:2";
    const struct {
        const char* remote;
        const char* source;
        const char* expected;
    } rows[] = {
        {"'2001:db8:9::9'", "2001:db8:9::9", "pass rule r"},
        {"'2001:db8:9::9'", "2001:db8:9::8", "drop default"},
        {"'2001:db8:9::9'", "2001:db8:8::9", "drop default"},
        {"'2001:db8:9::/48'", "2001:db8:9::", "pass rule r"},
        {"'2001:db8:9::/48'", "2001:db8:9:ffff:ffff:ffff:ffff:ffff", "pass rule r"},
        {"'2001:db8:9::/48'", "2001:db8:8:ffff:ffff:ffff:ffff:ffff", "drop default"},
        {"'2001:db8:9::/48'", "2001:db8:a::", "drop default"},
        {"'2001:db8::ffff-2001:db8::1:0:0:1'", "2001:db8::fffe", "drop default"},
        {"'2001:db8::ffff-2001:db8::1:0:0:1'", "2001:db8::ffff", "pass rule r"},
        {"'2001:db8::ffff-2001:db8::1:0:0:1'", "2001:db8::1:0:0", "pass rule r"},
        {"'2001:db8::ffff-2001:db8::1:0:0:1'", "2001:db8::1:0:0:1", "pass rule r"},
        {"'2001:db8::ffff-2001:db8::1:0:0:1'", "2001:db8::1:0:0:2", "drop default"},
        {"'::/0'", "::2", "pass rule r"},
    };
    for (const auto& row : rows) {
        const std::string packet = std::string("external inbound tcp [") + row.source + to;
        check(rule(std::string("remote: ") + row.remote), {{packet.c_str(), row.expected}});
    }
    check(rule("remote: '::/0'"), {{"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "drop default"}});
}

// Both families share the name.
TEST(Classify, Sets) {
    check(rule("remote: $offices"), {
                                        {"external inbound tcp 198.51.100.0:1 > 192.0.2.20:2", "pass rule r"},
                                        {"external inbound tcp 198.51.100.255:1 > 192.0.2.20:2", "pass rule r"},
                                        {"external inbound tcp 198.51.99.255:1 > 192.0.2.20:2", "drop default"},
                                        {"external inbound tcp 198.51.101.0:1 > 192.0.2.20:2", "drop default"},
                                        {"external inbound tcp 203.0.113.5:1 > 192.0.2.20:2", "pass rule r"},
                                        {"external inbound tcp 203.0.113.4:1 > 192.0.2.20:2", "drop default"},
                                        {"external inbound tcp [2001:db8:7::1]:1 > [2001:db8::2]:2", "pass rule r"},
                                        {"external inbound tcp [2001:db8:8::1]:1 > [2001:db8::2]:2", "drop default"},
                                    });
    check(
        "sets: {hosts: [198.51.100.7, '2001:db8:7::7']}\n"
        "rules:\n- {name: r, side: external, local: $hosts, state: none, action: pass}\n",
        {
            {"external inbound tcp 192.0.2.20:1 > 198.51.100.7:2", "pass rule r"},
            {"external inbound tcp 192.0.2.20:1 > 198.51.100.6:2", "drop default"},
            {"external inbound tcp 198.51.100.7:1 > 198.51.100.8:2", "drop default"},
            {"external outbound tcp 198.51.100.7:1 > 192.0.2.20:2", "pass rule r"},
            {"external outbound tcp [2001:db8:7::7]:1 > [2001:db8::2]:2", "pass rule r"},
            {"external outbound tcp [2001:db8:7::8]:1 > [2001:db8::2]:2", "drop default"},
        });
}

// An address is a member of each set that contains it, however the tables overlap.
TEST(Classify, OverlappingSets) {
    check(
        "sets: {all: [198.51.100.0/24], few: [198.51.100.8/29], one: [198.51.100.9]}\n"
        "rules:\n"
        "- {name: one, side: external, remote: $one, protocol: udp, state: none, action: pass}\n"
        "- {name: few, side: external, remote: $few, protocol: tcp, state: none, action: pass}\n"
        "- {name: all, side: external, remote: $all, state: none, action: pass}\n",
        {
            {"external inbound udp 198.51.100.9:1 > 192.0.2.20:2", "pass rule one"},
            {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "pass rule few"},
            {"external inbound 47 198.51.100.9 > 192.0.2.20", "pass rule all"},
            {"external inbound udp 198.51.100.10:1 > 192.0.2.20:2", "pass rule all"},
            {"external inbound tcp 198.51.100.15:1 > 192.0.2.20:2", "pass rule few"},
            {"external inbound tcp 198.51.100.16:1 > 192.0.2.20:2", "pass rule all"},
        });
}

TEST(Classify, Ports) {
    check(rule("protocol: udp, local_port: 50000-59999"),
          {
              {"external inbound udp 198.51.100.9:1 > 192.0.2.20:49999", "drop default"},
              {"external inbound udp 198.51.100.9:1 > 192.0.2.20:50000", "pass rule r"},
              {"external inbound udp 198.51.100.9:1 > 192.0.2.20:59999", "pass rule r"},
              {"external inbound udp 198.51.100.9:1 > 192.0.2.20:60000", "drop default"},
              {"external inbound udp 198.51.100.9:50000 > 192.0.2.20:1", "drop default"},
          });
    check(rule("protocol: tcp, remote_port: [53, 1024-65535]"),
          {
              {"external inbound tcp 198.51.100.9:53 > 192.0.2.20:1", "pass rule r"},
              {"external inbound tcp 198.51.100.9:52 > 192.0.2.20:1", "drop default"},
              {"external inbound tcp 198.51.100.9:1023 > 192.0.2.20:1", "drop default"},
              {"external inbound tcp 198.51.100.9:1024 > 192.0.2.20:1", "pass rule r"},
              {"external inbound tcp 198.51.100.9:65535 > 192.0.2.20:1", "pass rule r"},
          });
    check(rule("protocol: tcp, local_port: 0"),
          {
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:0", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:1", "drop default"},
          });
}

TEST(Classify, TcpFlags) {
    check(rule("protocol: tcp, tcp_flags: 'syn,!ack'"),
          {
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn,ece,cwr", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn,fin", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn,ack", "drop default"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 ack", "drop default"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 none", "drop default"},
          });
    check(rule("protocol: tcp, established: true"),
          {
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 ack", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 rst", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn,ack", "pass rule r"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 syn", "drop default"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 fin,psh,urg", "drop default"},
          });
}

TEST(Classify, IcmpTypes) {
    check(rule("protocol: icmp, icmp: [3/4, 11]"),
          {
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 3/4", "pass rule r"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 3/3", "drop icmp-unrelated"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 3/5", "drop icmp-unrelated"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 11/0", "pass rule r"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 11/255", "pass rule r"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 10/255", "drop default"},
              {"external inbound icmp 198.51.100.9 > 192.0.2.20 12/0", "drop icmp-unrelated"},
          });
    check(rule("protocol: icmp6, icmp: 1"),
          {
              {"external inbound icmp6 2001:db8::1 > 2001:db8::2 1/3", "pass rule r"},
              {"external inbound icmp6 2001:db8::1 > 2001:db8::2 2/0", "drop icmp-unrelated"},
          });
}

TEST(Classify, Vlan) {
    check(rule("vlan: 7"), {
                               {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 vlan 7", "pass rule r"},
                               {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 vlan 6", "drop default"},
                               {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 vlan 8", "drop default"},
                               {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "drop default"},
                           });
    check(rule("protocol: tcp"), {
                                     {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2 vlan 7", "pass rule r"},
                                     {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "pass rule r"},
                                 });
}

TEST(Classify, AllFieldsAtOnce) {
    check(rule("protocol: tcp, local: 192.0.2.20, local_port: 443, remote: 198.51.100.0/24, remote_port: 1024-65535, "
               "vlan: 7"),
          {
              {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:443 vlan 7", "pass rule r"},
              {"external inbound udp 198.51.100.9:4000 > 192.0.2.20:443 vlan 7", "drop default"},
              {"external inbound tcp 198.51.101.9:4000 > 192.0.2.20:443 vlan 7", "drop default"},
              {"external inbound tcp 198.51.100.9:1023 > 192.0.2.20:443 vlan 7", "drop default"},
              {"external inbound tcp 198.51.100.9:4000 > 192.0.2.21:443 vlan 7", "drop default"},
              {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:444 vlan 7", "drop default"},
              {"external inbound tcp 198.51.100.9:4000 > 192.0.2.20:443", "drop default"},
          });
}

TEST(Classify, TheFirstRuleThatMatches) {
    check(
        "rules:\n"
        "- {name: shut, side: external, protocol: tcp, local_port: 22, remote: 198.51.100.66, action: drop}\n"
        "- {name: ssh, side: external, protocol: tcp, local_port: 22, state: none, action: pass}\n"
        "- {name: low, side: external, protocol: tcp, local_port: 1-1023, action: drop}\n"
        "- {name: hidden, side: external, protocol: tcp, local_port: 80, state: none, action: pass}\n"
        "- {name: rest, side: external, state: none, action: pass}\n",
        {
            {"external inbound tcp 198.51.100.66:1 > 192.0.2.20:22", "drop rule shut"},
            {"external inbound tcp 198.51.100.67:1 > 192.0.2.20:22", "pass rule ssh"},
            {"external inbound tcp 198.51.100.67:1 > 192.0.2.20:80", "drop rule low"},
            {"external inbound tcp 198.51.100.67:1 > 192.0.2.20:1023", "drop rule low"},
            {"external inbound tcp 198.51.100.67:1 > 192.0.2.20:1024", "pass rule rest"},
            {"external inbound udp 198.51.100.67:1 > 192.0.2.20:22", "pass rule rest"},
        });
}

// Each of a thousand rules: the host it names, and the one that none does.
TEST(Classify, AThousandRules) {
    std::string policy = "rules:\n";
    for (int i = 0; i < 1000; i++) {
        policy += "- {name: r" + std::to_string(i) +
                  ", side: external, protocol: tcp, state: none, action: pass, local: 10." + std::to_string(i / 250) +
                  "." + std::to_string(i % 250) + ".1, local_port: " + std::to_string(1000 + i) + "}\n";
    }
    TestRun run(policy);
    for (int i = 0; i < 1000; i++) {
        const std::string packet = "external inbound tcp 198.51.100.9:1 > 10." + std::to_string(i / 250) + "." +
                                   std::to_string(i % 250) + ".1:";
        ASSERT_EQ(run.judge(packet + std::to_string(1000 + i)), "pass rule r" + std::to_string(i));
        ASSERT_EQ(run.judge(packet + std::to_string(1001 + i)), "drop default");
    }
}

// Frames that are not IP: by what they name, in order, at the hook and on the side of the rule alone.
TEST(Classify, Ethertype) {
    check(rule("ethertype: [macsec, 802.3]"),
          {
              {"external inbound ethertype macsec", "pass rule r"},
              {"external inbound ethertype macsec vlan 7", "pass rule r"},
              {"external inbound ethertype 0x88e4", "drop unsupported-ethertype"},
              {"external inbound ethertype 0x88e6", "drop unsupported-ethertype"},
              {"external inbound ethertype 802.3", "pass rule r"},
              {"external inbound ethertype 0x0600", "drop unsupported-ethertype"},
              {"external outbound ethertype macsec", "drop unsupported-ethertype"},
              {"external inbound tcp 198.51.100.9:1 > 192.0.2.20:2", "drop default"},
              {"external inbound ethertype pppoe-session", "pass builtin builtin/pppoe"},
          });
    check(
        "default: pass\nrules:\n"
        "- {name: all, side: external, protocol: any, state: none, action: drop}\n"
        "- {name: inside, side: internal, ethertype: ptp, action: drop}\n"
        "- {name: seven, side: external, ethertype: ptp, vlan: 7, action: pass}\n"
        "- {name: others, side: external, direction: both, ethertype: [ptp, macsec], action: drop}\n",
        {
            {"external inbound ethertype ptp vlan 7", "pass rule seven"},
            {"external inbound ethertype ptp vlan 8", "drop rule others"},
            {"external outbound ethertype ptp", "drop rule others"},
            {"external outbound ethertype macsec vlan 7", "drop rule others"},
            {"external outbound ethertype rarp", "pass default"},
            {"external inbound udp 198.51.100.9:1 > 192.0.2.20:2", "drop rule all"},
        });
}

// Both ends of every run of neighbours in a long list: more rules than a leaf, a hole between each two.
TEST(Classify, ManyEthertypes) {
    std::string policy = "rules:\n";
    for (int type = 0x9000; type < 0x9400; type += 2)
        policy += "- {name: r" + std::to_string(type) + ", side: external, ethertype: " + std::to_string(type) +
                  ", action: " + (type % 4 == 0 ? "pass" : "drop") + "}\n";
    TestRun run(policy);
    for (int type = 0x8fff; type <= 0x9400; type++) {
        const bool named = type % 2 == 0 && type >= 0x9000 && type < 0x9400;
        const std::string by_rule = (type % 4 == 0 ? "pass rule r" : "drop rule r") + std::to_string(type);
        EXPECT_EQ(run.judge("external inbound ethertype " + std::to_string(type)),
                  named ? by_rule : "drop unsupported-ethertype");
    }
    EXPECT_EQ(run.counter("r36864").packets, 1u);
    EXPECT_EQ(run.counter("r36864").connections, 0u);
}

// Rules of both kinds that trees have: hosts, which cuts part, and boxes that overlap in four fields, which stay
// together in a leaf longer than EDGEFW_MAX_LEAF_STEPS. Every fourth box holds what the host before it is asked at
// 9000.
std::string hosts_and_boxes(std::mt19937& random) {
    const auto below = [&](std::uint32_t bound) { return random() % bound; };
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    std::string text = "rules:\n";
    std::uint32_t network = 0;  // of the last host
    for (int rule = 0; rule < 1200; ++rule) {
        text += "- {name: r" + number(rule) +
                ", side: external, direction: inbound, protocol: tcp, state: none, action: " +
                (rule % 2 == 0 ? "pass" : "drop");
        if (rule % 2 == 1) {
            network = below(16);
            text += ", local: 10." + number(network) + "." + number(below(256)) + "." + number(below(256)) +
                    ", local_port: " + number(1 + below(9000)) + "-" + number(9000 + below(9000)) + "}\n";
            continue;
        }
        for (const char* end : {"local", "remote"}) {
            const bool holds = rule % 8 == 0 && end == std::string("local");
            const std::uint32_t address = below(holds ? network + 1 : 200), port = below(holds ? 9000 : 40000);
            text += ", " + std::string(end) + ": 10." + number(address) + ".0.0-10." + number(address + 50) +
                    ".255.255, " + end + "_port: " + number(port) + "-" + number(port + 20000);
        }
        text += "}\n";
    }
    return text;
}

bool is_inside(std::uint16_t port, const std::vector<policy::PortRange>& ranges) {
    return ranges.empty() || (ranges[0].first <= port && port <= ranges[0].last);
}

bool is_inside(const Address& address, const policy::AddressMatch& match) {
    return match.any() || match.ranges[0].contains(address);
}

std::string first_rule(const policy::Policy& policy, const packet::Packet& packet) {
    for (const policy::Rule& rule : policy.rules) {
        if (!is_inside(packet.destination, rule.local) || !is_inside(packet.source, rule.remote)) continue;
        if (!is_inside(packet.destination_port, rule.local_port) || !is_inside(packet.source_port, rule.remote_port))
            continue;
        return (rule.action == policy::Action::kPass ? "pass rule " : "drop rule ") + rule.id;
    }
    return "drop default";
}

std::size_t nodes_of_kind(const image::Image& image, std::uint32_t kind) {
    return static_cast<std::size_t>(std::count_if(image.nodes.begin(), image.nodes.end(), [&](const edgefw_node& node) {
        return (node.link >> EDGEFW_NODE_FIELD_SHIFT) == kind;
    }));
}

TEST(Classify, CutsAndLongLeaves) {
    std::mt19937 random(7);
    const policy::Policy policy = policy_of(hosts_and_boxes(random));
    const Result<image::Image> image = image::compile(policy);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_GT(nodes_of_kind(*image, EDGEFW_FIELD_LOCAL | EDGEFW_NODE_CUTS), 0u);
    EXPECT_GT(nodes_of_kind(*image, EDGEFW_NODE_LONG_LEAF), 0u);
    TestRun run;
    run.push(policy);
    packet::Packet packet = *packet::parse("external inbound tcp 10.0.0.1:1 > 10.0.0.2:2");
    const auto at_an_edge = [&](const policy::AddressMatch& match, Address any) {
        if (match.any()) return any;
        Address address = random() % 2 == 0 ? match.ranges[0].first : match.ranges[0].last;
        address.value += random() % 3;
        --address.value;
        return address;
    };
    const auto edge_port = [&](const std::vector<policy::PortRange>& ranges) {
        const std::uint32_t port = ranges.empty()      ? random() % 65536
                                   : random() % 2 == 0 ? ranges[0].first
                                                       : ranges[0].last;
        return static_cast<std::uint16_t>(port + random() % 3 - 1);
    };
    std::set<std::string> met;
    for (int i = 0; i < 6000; ++i) {
        const policy::Rule& rule = policy.rules[random() % policy.rules.size()];
        packet.destination = at_an_edge(rule.local, packet.destination);
        packet.source = at_an_edge(rule.remote, packet.source);
        packet.destination_port = edge_port(rule.local_port);
        packet.source_port = edge_port(rule.remote_port);
        if (packet.source == packet.destination) continue;  // builtin/martian
        const std::string expected = first_rule(policy, packet);
        ASSERT_EQ(run.judge(packet), expected) << packet.to_text();
        met.insert(expected);
    }
    EXPECT_GT(met.size(), 300u);
    // A host that a box behind it holds: the tree of the boxes is searched first, and what it finds is not the first.
    for (std::size_t box = 8; box < policy.rules.size(); box += 8) {
        packet.destination = policy.rules[box - 1].local.ranges[0].first;
        packet.source = policy.rules[box].remote.ranges[0].first;
        packet.destination_port = 9000;
        packet.source_port = policy.rules[box].remote_port[0].first;
        ASSERT_EQ(run.judge(packet), first_rule(policy, packet)) << packet.to_text();
    }
    // And what lies outside of all cuts, below and above.
    EXPECT_EQ(run.judge("external inbound tcp 9.255.255.254:1 > 9.255.255.255:2"), "drop default");
    EXPECT_EQ(run.judge("external inbound tcp 223.255.255.254:1 > 223.255.255.255:2"), "drop default");
}

}  // namespace
}  // namespace edgefw::test
