// SPDX-License-Identifier: GPL-2.0-only
// closed: what a closed card passes, and no more than that, whoever sends it.
#include "userspace/kernel/closed.h"

#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "tests/support/frame.h"

namespace edgefw::test {
namespace {

constexpr char kFriend4[] = "198.51.100.9", kStranger4[] = "198.51.100.17", kHost4[] = "192.0.2.20";
constexpr char kFriend6[] = "2001:db8:9::9", kStranger6[] = "2001:db8:a::9", kHost6[] = "2001:db8:2::20";

Prefix prefix(const std::string& text) {
    const auto range = AddressRange::parse(text);
    EXPECT_TRUE(range) << text;
    return range->prefixes().front();
}

class Closed : public testing::Test {
protected:
    void load(const kernel::ClosedRules& rules, edgefw_link_layer link_layer = EDGEFW_ETHERNET) {
        auto loaded = kernel::load_closed(link_layer, rules);
        ASSERT_TRUE(loaded) << loaded.error().message;
        programs = std::move(*loaded);
    }
    void SetUp() override { load({{prefix("198.51.100.8/29"), prefix("2001:db8:9::/48")}, 22}); }

    bool passes(edgefw_hook hook, const Bytes& frame) const {
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()));
        const Fd& program = hook == EDGEFW_RECEIVED ? programs.received : programs.sent;
        EXPECT_EQ(bpf_prog_test_run_opts(program.get(), &run), 0);
        const int action = static_cast<int>(run.retval);
        EXPECT_TRUE(action == TC_ACT_UNSPEC || action == TC_ACT_SHOT) << action;
        return action == TC_ACT_UNSPEC;
    }

    kernel::ProgramPair programs;
};

struct Row {
    const char* name;
    bool received, sent;  // whether it passes there
    Bytes frame;
};

Bytes tcp4(const std::string& from, const std::string& to, const Tcp& tcp) {
    return frame(Ethernet{}, Ipv4{.source = from, .destination = to}, tcp);
}
Bytes tcp6(const std::string& from, const std::string& to, const Tcp& tcp) {
    return frame(Ethernet{}, Ipv6{.source = from, .destination = to}, tcp);
}
Bytes udp4(std::uint16_t from, std::uint16_t to) {
    return frame(Ethernet{}, Ipv4{}, Udp{.source_port = from, .destination_port = to}, payload(240));
}
Bytes udp6(std::uint16_t from, std::uint16_t to, const std::string& source = "fe80::1",
           const std::string& destination = "fe80::2") {
    return frame(Ethernet{}, Ipv6{.source = source, .destination = destination},
                 Udp{.source_port = from, .destination_port = to}, payload(40));
}
Bytes icmp6(std::uint8_t type, std::uint8_t hop_limit) {
    return frame(Ethernet{}, Ipv6{.source = "fe80::1", .destination = "ff02::1", .hop_limit = hop_limit},
                 Icmp{.type = type}, payload(16));
}
Bytes to_group(std::uint8_t last, std::uint16_t type) {
    return frame(Ethernet{.destination = {0x01, 0x80, 0xc2, 0x00, 0x00, last}, .type = type}, payload(46));
}
// The packet inside a frame, as an error quotes it.
Payload quoted(const Bytes& frame, std::size_t size) {
    return Payload{Bytes(frame.begin() + 14, frame.begin() + 14 + static_cast<std::ptrdiff_t>(size))};
}
Bytes too_big4(const Bytes& of, std::uint8_t code = 4) {
    return frame(Ethernet{}, Ipv4{.source = kStranger4, .destination = kHost4}, Icmp{.type = 3, .code = code},
                 quoted(of, 28));
}
Bytes too_big6(const Bytes& of, std::uint8_t type = 2) {
    return frame(Ethernet{}, Ipv6{.source = kStranger6, .destination = kHost6}, Icmp{.type = type}, quoted(of, 48));
}

const Tcp kAsks{.source_port = 40000, .destination_port = 22, .flags = kSyn};
const Tcp kAnswers{.source_port = 22, .destination_port = 40000, .flags = kSyn | kAck};

std::vector<Row> rows() {
    const Bytes answer4 = tcp4(kHost4, kFriend4, kAnswers), answer6 = tcp6(kHost6, kFriend6, kAnswers);
    return {
        {"ARP", true, true, frame(Ethernet{.type = 0x0806}, payload(46))},
        {"ARP with a tag in the frame", false, false, frame(Ethernet{}, Vlan{.type = 0x0806}, payload(46))},
        {"LACP", true, true, to_group(0x02, 0x8809)},
        {"STP", true, true, to_group(0x00, 38)},
        {"802.1X", true, true, to_group(0x03, 0x888e)},
        {"LLDP", true, true, to_group(0x0e, 0x88cc)},
        {"LACP beyond the group", false, false, to_group(0x10, 0x8809)},
        {"PPPoE to the group", false, false, to_group(0x00, 0x8864)},
        {"IPv4 to the group", false, false,
         frame(Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, 0}}, Ipv4{}, Udp{}, payload(8))},
        {"MPLS", false, false, frame(Ethernet{.type = 0x8847}, payload(46))},

        {"SSH of a named network", true, false, tcp4(kFriend4, kHost4, kAsks)},
        {"its answer", false, true, answer4},
        {"SSH of another", false, false, tcp4(kStranger4, kHost4, kAsks)},
        {"an answer to another", false, false, tcp4(kHost4, kStranger4, kAnswers)},
        {"the first address behind the network", false, false, tcp4("198.51.100.16", kHost4, kAsks)},
        {"the last of the network", true, false, tcp4("198.51.100.15", kHost4, kAsks)},
        {"the last before the network", false, false, tcp4("198.51.100.7", kHost4, kAsks)},
        {"another port", false, false,
         tcp4(kFriend4, kHost4, {.source_port = 40000, .destination_port = 2200, .flags = kSyn})},
        {"from port 22", false, false,
         tcp4(kFriend4, kHost4, {.source_port = 22, .destination_port = 80, .flags = kSyn | kAck})},
        {"the host opens from port 22", false, false,
         tcp4(kHost4, kFriend4, {.source_port = 22, .destination_port = 80, .flags = kSyn})},
        {"the host ends it", false, true,
         tcp4(kHost4, kFriend4, {.source_port = 22, .destination_port = 40000, .flags = kRst})},
        {"with options", true, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4, .options = Bytes(40, 1)}, kAsks)},
        {"options that hide a port", false, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4, .header_words = 15}, kAsks, payload(60))},
        {"SSH in UDP", false, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4},
               Udp{.source_port = 40000, .destination_port = 22})},
        {"a first fragment", false, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4, .more = true}, kAsks, payload(8))},
        {"a later fragment", false, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4, .offset = 1480, .protocol = IPPROTO_TCP},
               payload(64))},
        {"a header of four words", false, false,
         frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4, .header_words = 4}, kAsks)},
        {"version 6 in IPv4", false, false,
         frame(Ethernet{.type = 0x0800}, Ipv4{.source = kFriend4, .destination = kHost4, .version = 6}, kAsks)},
        {"cut in the TCP header", false, false, truncated(tcp4(kFriend4, kHost4, kAsks), 14 + 20 + 19)},
        {"SSH with a tag in the frame", false, false,
         frame(Ethernet{}, Vlan{}, Ipv4{.source = kFriend4, .destination = kHost4}, kAsks)},

        {"SSH by IPv6", true, false, tcp6(kFriend6, kHost6, kAsks)},
        {"its answer by IPv6", false, true, answer6},
        {"SSH by IPv6 of another", false, false, tcp6(kStranger6, kHost6, kAsks)},
        {"an IPv4 friend, written in IPv6", false, false, tcp6("::ffff:198.51.100.9", kHost6, kAsks)},
        {"SSH behind an extension header", false, false,
         frame(Ethernet{}, Ipv6{.source = kFriend6, .destination = kHost6}, Extension{}, kAsks)},
        {"SSH behind hop-by-hop options", false, false,
         frame(Ethernet{}, Ipv6{.source = kFriend6, .destination = kHost6}, Extension{.kind = 0}, kAsks)},
        {"a first fragment of IPv6", false, false,
         frame(Ethernet{}, Ipv6{.source = kFriend6, .destination = kHost6}, fragment_header(0, true), kAsks)},

        {"DHCP, asked", false, true, udp4(68, 67)},
        {"DHCP, answered", true, false, udp4(67, 68)},
        {"DHCPv6, asked", false, true, udp6(546, 547)},
        {"DHCPv6, answered", true, false, udp6(547, 546)},
        {"DHCP's ports by IPv6", false, false, udp6(67, 68)},
        {"DHCPv6 for a host behind", false, false, udp6(547, 546, "fe80::1", kHost6)},
        {"DHCPv6 asked from elsewhere", false, false, udp6(546, 547, kHost6, "ff02::1:2")},
        {"listener discovery with a global source", false, false,
         frame(Ethernet{}, Ipv6{.source = kFriend6, .destination = "ff02::16", .hop_limit = 1}, Icmp{.type = 143},
               payload(16))},
        {"listener discovery without an address", true, true,
         frame(Ethernet{}, Ipv6{.source = "::", .destination = "ff02::16", .hop_limit = 1}, Icmp{.type = 143},
               payload(16))},
        {"DNS", false, false, udp4(53, 40000)},
        {"to DHCP's port from another", false, false, udp4(53, 68)},

        {"neighbour discovery", true, true, icmp6(135, 255)},
        {"a router", true, true, icmp6(134, 255)},
        {"from beyond a router", false, false, icmp6(135, 254)},
        {"listener discovery", true, true,
         frame(Ethernet{}, Ipv6{.source = "fe80::1", .destination = "ff02::16", .hop_limit = 1},
               Extension{.kind = 0, .rest = {5, 2, 0, 0, 1, 0}}, Icmp{.type = 143}, payload(16))},
        {"listener discovery from beyond", false, false, icmp6(143, 64)},
        {"an echo by IPv6", false, false, icmp6(128, 255)},
        {"an echo", false, false, frame(Ethernet{}, Ipv4{.source = kFriend4, .destination = kHost4}, Icmp{})},

        {"the path of SSH is narrow", true, false, too_big4(answer4)},
        {"another error", false, false, too_big4(answer4, 3)},
        {"the path to a stranger", false, false, too_big4(tcp4(kHost4, kStranger4, kAnswers))},
        {"the path of a client", false, false, too_big4(tcp4(kHost4, kFriend4, kAsks))},
        {"the path of UDP", false, false,
         too_big4(frame(Ethernet{}, Ipv4{.source = kHost4, .destination = kFriend4},
                        Udp{.source_port = 22, .destination_port = 40000}, payload(8)))},
        {"the path of SSH is narrow, IPv6", true, false, too_big6(answer6)},
        {"the path of IPv6 to a stranger", false, false, too_big6(tcp6(kHost6, kStranger6, kAnswers))},
        {"another error of IPv6", false, false, too_big6(answer6, 1)},
    };
}

TEST_F(Closed, PassesThisAndNoMore) {
    for (const Row& row : rows()) {
        EXPECT_EQ(passes(EDGEFW_RECEIVED, row.frame), row.received) << row.name << ", received";
        EXPECT_EQ(passes(EDGEFW_SENT, row.frame), row.sent) << row.name << ", sent";
    }
}

TEST_F(Closed, NobodyIsNamed) {
    load({});
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4(kFriend4, kHost4, kAsks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4("0.0.0.0", kHost4, kAsks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp6("::", kHost6, kAsks)));
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, udp4(67, 68)));
}

// 64 networks of both families, the last of which decides; and whole families.
TEST_F(Closed, AsManyNetworksAsThereIsRoomFor) {
    kernel::ClosedRules rules;
    rules.ssh_port = 2222;
    for (int i = 0; i < EDGEFW_CLOSED_NETWORKS - 2; i++)
        rules.ssh_from.push_back(prefix("203.0.113." + std::to_string(i)));
    rules.ssh_from.push_back(prefix("192.0.2.0/24"));
    rules.ssh_from.push_back(prefix("2001:db8:9::9"));
    load(rules);
    const Tcp asks{.source_port = 40000, .destination_port = 2222, .flags = kSyn};
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp4("203.0.113.0", kHost4, asks)));
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp4("203.0.113.61", kHost4, asks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4("203.0.113.62", kHost4, asks)));
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp4("192.0.2.255", kHost4, asks)));
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp6(kFriend6, kHost6, asks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp6("2001:db8:9::8", kHost6, asks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4("192.0.2.255", kHost4, kAsks))) << "port 22 is not the one";

    rules.ssh_from.push_back(prefix("192.0.2.0/25"));
    EXPECT_FALSE(kernel::load_closed(EDGEFW_ETHERNET, rules));

    load({{prefix("0.0.0.0/0")}, 22});
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp4(kStranger4, kHost4, kAsks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp6(kStranger6, kHost6, kAsks))) << "IPv4 is named, IPv6 is not";
    load({{prefix("::/0")}, 22});
    EXPECT_TRUE(passes(EDGEFW_RECEIVED, tcp6(kStranger6, kHost6, kAsks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4(kStranger4, kHost4, kAsks))) << "IPv6 is named, IPv4 is not";
}

// A test run takes Ethernet frames; one that is read as if it had none begins with no IP header.
TEST_F(Closed, WithoutALinkHeaderTheIpHeaderComesFirst) {
    load({{prefix("198.51.100.8/29")}, 22}, EDGEFW_NO_LINK);
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, tcp4(kFriend4, kHost4, kAsks)));
    EXPECT_FALSE(passes(EDGEFW_RECEIVED, frame(Ethernet{.type = 0x0806}, payload(46))));
}

}  // namespace
}  // namespace edgefw::test
