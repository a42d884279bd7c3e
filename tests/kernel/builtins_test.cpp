// SPDX-License-Identifier: GPL-2.0-only
// builtins: what passes by itself, and no more than that; and each switched off.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "maps/builtins.h"
#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

#define KEY(identifier, key, id, verdict, sentence) key,
constexpr const char* kKeys[] = {EDGEFW_BUILTINS(KEY)};
#undef KEY

// What passes: each built-in's own packet on a hook.
struct Passes {
    const char* name;
    edgefw_builtin builtin;
    edgefw_hook hook;
    Bytes frame;
};

Bytes icmp6(std::uint8_t type, std::uint8_t hop_limit, const std::string& source = "fe80::1") {
    return frame(Ethernet{}, Ipv6{.source = source, .destination = "ff02::1", .hop_limit = hop_limit},
                 Icmp{.type = type}, payload(16));
}

Bytes link_local(std::uint8_t last, std::uint16_t type) {
    return frame(Ethernet{.destination = {0x01, 0x80, 0xc2, 0x00, 0x00, last}, .type = type}, payload(46));
}

Bytes igmp(std::uint8_t ttl) {
    return frame(Ethernet{},
                 Ipv4{.destination = "224.0.0.22", .ttl = ttl, .options = {148, 4, 0, 0}, .protocol = IPPROTO_IGMP},
                 payload(8));
}

Bytes dhcp(std::uint16_t from, std::uint16_t to) {
    return frame(Ethernet{}, Ipv4{.source = from == 68 ? "0.0.0.0" : "198.51.100.1", .destination = "255.255.255.255"},
                 Udp{.source_port = from, .destination_port = to}, payload(240));
}

Bytes dhcpv6(std::uint16_t from, std::uint16_t to) {
    return frame(Ethernet{}, Ipv6{.source = "fe80::1", .destination = "ff02::1:2"},
                 Udp{.source_port = from, .destination_port = to}, payload(40));
}

std::vector<Passes> what_passes() {
    std::vector<Passes> rows = {
        {"DHCP, asked", EDGEFW_BUILTIN_DHCP, EDGEFW_SENT, dhcp(68, 67)},
        {"DHCP, answered", EDGEFW_BUILTIN_DHCP, EDGEFW_RECEIVED, dhcp(67, 68)},
        {"DHCPv6, asked", EDGEFW_BUILTIN_DHCPV6, EDGEFW_SENT, dhcpv6(546, 547)},
        {"DHCPv6, answered", EDGEFW_BUILTIN_DHCPV6, EDGEFW_RECEIVED, dhcpv6(547, 546)},
    };
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        rows.push_back({"ARP", EDGEFW_BUILTIN_ARP, hook, frame(Ethernet{.type = 0x0806}, payload(46))});
        rows.push_back({"tagged ARP", EDGEFW_BUILTIN_ARP, hook, frame(Ethernet{}, Vlan{.type = 0x0806}, payload(46))});
        rows.push_back({"PPPoE discovery", EDGEFW_BUILTIN_PPPOE, hook, frame(Ethernet{.type = 0x8863}, payload(46))});
        rows.push_back({"PPPoE session", EDGEFW_BUILTIN_PPPOE, hook, frame(Ethernet{.type = 0x8864}, payload(46))});
        rows.push_back({"tagged", EDGEFW_BUILTIN_PPPOE, hook, frame(Ethernet{}, Vlan{.type = 0x8864}, payload(46))});
        rows.push_back({"EAPOL", EDGEFW_BUILTIN_EAPOL, hook, frame(Ethernet{.type = 0x888e}, payload(46))});
        for (std::uint8_t type = 133; type <= 137; type++)
            rows.push_back({"neighbour discovery", EDGEFW_BUILTIN_ND, hook, icmp6(type, 255)});
        rows.push_back({"any source", EDGEFW_BUILTIN_ND, hook, icmp6(135, 255, "2001:db8::1")});
        for (const std::uint8_t type : {130, 131, 132, 143})
            rows.push_back({"listener discovery", EDGEFW_BUILTIN_MLD, hook, icmp6(type, 1)});
        rows.push_back({"no address yet", EDGEFW_BUILTIN_MLD, hook, icmp6(143, 1, "::")});
        rows.push_back({"last of fe80::/10", EDGEFW_BUILTIN_MLD, hook, icmp6(131, 1, "febf::1")});
        rows.push_back({"IGMP", EDGEFW_BUILTIN_IGMP, hook, igmp(1)});
        rows.push_back({"STP", EDGEFW_BUILTIN_LINK_LOCAL, hook, link_local(0x00, 46)});
        rows.push_back({"LACP", EDGEFW_BUILTIN_LINK_LOCAL, hook, link_local(0x02, 0x8809)});
        rows.push_back({"LLDP", EDGEFW_BUILTIN_LINK_LOCAL, hook, link_local(0x0e, 0x88cc)});
        rows.push_back({"last of the group", EDGEFW_BUILTIN_LINK_LOCAL, hook, link_local(0x0f, 0x88cc)});
    }
    return rows;
}

TEST(Builtins, PassAndCount) {
    TestRun run("default: drop");
    std::map<std::string, std::uint64_t> passed;
    for (const Passes& row : what_passes()) {
        const std::string id = std::string("builtin/") + kKeys[row.builtin];
        EXPECT_EQ(run.judge(row.hook, row.frame), "pass builtin " + id) << row.name << ", hook " << row.hook;
        passed[id]++;
    }
    for (const char* key : kKeys) {
        const std::string id = std::string("builtin/") + key;
        EXPECT_EQ(run.counter(id).packets, passed[id]) << id;
        EXPECT_EQ(run.counter(id).connections, 0u) << id;
    }
}

// Each off alone: its packets drop by the default (or for want of a rule that could name them), the others still pass.
TEST(Builtins, SwitchedOffOneByOne) {
    const std::vector<Passes> rows = what_passes();
    for (int off = 0; off < EDGEFW_BUILTIN_COUNT; off++) {
        TestRun run("builtins: {" + std::string(kKeys[off]) + ": off}");
        const bool of_link = off == EDGEFW_BUILTIN_ARP || off == EDGEFW_BUILTIN_LINK_LOCAL ||
                             off == EDGEFW_BUILTIN_PPPOE || off == EDGEFW_BUILTIN_EAPOL;
        for (const Passes& row : rows) {
            const std::string passes = std::string("pass builtin builtin/") + kKeys[row.builtin];
            const std::string drops = of_link ? "drop unsupported-ethertype" : "drop default";
            EXPECT_EQ(run.judge(row.hook, row.frame), row.builtin == off ? drops : passes)
                << row.name << " with " << kKeys[off] << " off, hook " << row.hook;
        }
    }
}

struct Row {
    const char* name;
    edgefw_hook hook;
    Bytes frame;
    const char* expected;
};

// One step outside each.
TEST(Builtins, PassNoMore) {
    const Mac group = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
    const std::vector<Row> rows = {
        {"reverse ARP", EDGEFW_RECEIVED, frame(Ethernet{.type = 0x8035}, payload(46)), "drop unsupported-ethertype"},
        {"before PPPoE", EDGEFW_RECEIVED, frame(Ethernet{.type = 0x8862}, payload(46)), "drop unsupported-ethertype"},
        {"behind PPPoE", EDGEFW_SENT, frame(Ethernet{.type = 0x8865}, payload(46)), "drop unsupported-ethertype"},
        {"behind EAPOL", EDGEFW_RECEIVED, frame(Ethernet{.type = 0x888f}, payload(46)), "drop unsupported-ethertype"},
        {"neighbour discovery, 254 hops", EDGEFW_RECEIVED, icmp6(135, 254), "drop default"},
        {"type 138", EDGEFW_RECEIVED, icmp6(138, 255), "drop default"},
        {"type 132 is no neighbour discovery", EDGEFW_RECEIVED, icmp6(132, 255), "drop default"},
        {"listener discovery, 2 hops", EDGEFW_SENT, icmp6(143, 2), "drop default"},
        {"type 129", EDGEFW_SENT, icmp6(129, 1), "drop default"},
        {"type 142", EDGEFW_SENT, icmp6(142, 1), "drop default"},
        {"type 144", EDGEFW_SENT, icmp6(144, 1), "drop default"},
        {"listener discovery, global source", EDGEFW_SENT, icmp6(143, 1, "2001:db8::1"), "drop default"},
        {"one past fe80::/10", EDGEFW_RECEIVED, icmp6(143, 1, "fec0::1"), "drop default"},
        {"one below fe80::/10", EDGEFW_RECEIVED, icmp6(143, 1, "fe7f::1"), "drop default"},
        {"nearly no address", EDGEFW_RECEIVED, icmp6(143, 1, "::2"), "drop default"},
        {"IGMP, TTL 2", EDGEFW_RECEIVED, igmp(2), "drop default"},
        {"IGMP, TTL 0", EDGEFW_RECEIVED, igmp(0), "drop default"},
        {"IGMP's number in IPv6", EDGEFW_RECEIVED, frame(Ethernet{}, Ipv6{.hop_limit = 1, .next = 2}, payload(8)),
         "drop default"},
        {"outside the group", EDGEFW_RECEIVED, link_local(0x10, 0x88cc), "drop unsupported-ethertype"},
        {"IP to the group", EDGEFW_RECEIVED, frame(Ethernet{.destination = group}, Ipv4{}, Tcp{}), "drop default"},
        {"a DHCP server answers", EDGEFW_SENT, dhcp(67, 68), "drop default"},
        {"a DHCP server is asked", EDGEFW_RECEIVED, dhcp(68, 67), "drop default"},
        {"DHCP from another port", EDGEFW_SENT, dhcp(69, 67), "drop default"},
        {"DHCP over IPv6", EDGEFW_SENT, dhcpv6(68, 67), "drop default"},
        {"a DHCPv6 server is asked", EDGEFW_RECEIVED, dhcpv6(546, 547), "drop default"},
        {"DHCPv6 over IPv4", EDGEFW_SENT, dhcp(546, 547), "drop default"},
        {"DHCP's ports in TCP", EDGEFW_SENT,
         frame(Ethernet{}, Ipv4{.source = "0.0.0.0", .destination = "255.255.255.255"},
               Tcp{.source_port = 68, .destination_port = 67}),
         "drop default"},
        {"fragmented neighbour discovery", EDGEFW_RECEIVED,
         frame(Ethernet{}, Ipv6{.source = "fe80::1", .hop_limit = 255}, fragment_header(0, true), Icmp{.type = 135}),
         "drop default"},
        {"fragmented DHCP", EDGEFW_SENT,
         frame(Ethernet{}, Ipv4{.source = "0.0.0.0", .destination = "255.255.255.255", .more = true},
               Udp{.source_port = 68, .destination_port = 67}),
         "drop default"},
    };
    TestRun run("default: drop");
    for (const Row& row : rows)
        EXPECT_EQ(run.judge(row.hook, row.frame), row.expected) << row.name;
}

// They come before the rules: a policy cannot take the network away by accident.
TEST(Builtins, ComeBeforeTheRules) {
    TestRun run("rules:\n- {name: all, side: external, action: drop}\n");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, icmp6(135, 255)), "pass builtin builtin/nd");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, icmp6(135, 254)), "drop rule all");
}

}  // namespace
}  // namespace edgefw::test
