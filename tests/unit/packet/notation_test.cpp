// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/notation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::packet {
namespace {

using ::testing::HasSubstr;

struct Row {
    const char* text;
    const char* canonical;
};

class Notation : public testing::TestWithParam<Row> {};

TEST_P(Notation, PrintsInItsCanonicalForm) {
    const Result<Packet> packet = parse(GetParam().text);
    ASSERT_TRUE(packet) << packet.error().message;
    EXPECT_EQ(packet->to_text(), GetParam().canonical);
    const Result<Packet> again = parse(packet->to_text());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->to_text(), GetParam().canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Packets, Notation,
    testing::Values(
        Row{"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443",
            "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn"},
        Row{"  external\tinbound  tcp 198.51.100.9:40000 > 192.0.2.20:443 ack,syn\r\n",
            "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ack"},
        Row{"external inbound 6 198.51.100.9:0 > 192.0.2.20:65535 none",
            "external inbound tcp 198.51.100.9:0 > 192.0.2.20:65535 none"},
        Row{"internal outbound tcp 10.0.0.1:1 > 10.0.0.2:2 fin,syn,rst,psh,ack,urg,ece,cwr",
            "internal outbound tcp 10.0.0.1:1 > 10.0.0.2:2 fin,syn,rst,psh,ack,urg,ece,cwr"},
        Row{"external outbound udp [2001:db8::1]:50000 > [2001:db8::2]:3478",
            "external outbound udp [2001:db8::1]:50000 > [2001:db8::2]:3478"},
        Row{"internal inbound icmp 192.0.2.1 > 10.0.0.1 echo-request",
            "internal inbound icmp 192.0.2.1 > 10.0.0.1 echo-request"},
        Row{"internal inbound icmp 192.0.2.1 > 10.0.0.1 8", "internal inbound icmp 192.0.2.1 > 10.0.0.1 echo-request"},
        Row{"internal inbound icmp 192.0.2.1 > 10.0.0.1 3/4", "internal inbound icmp 192.0.2.1 > 10.0.0.1 3/4"},
        Row{"internal inbound icmp 192.0.2.1 > 10.0.0.1 destination-unreachable/1",
            "internal inbound icmp 192.0.2.1 > 10.0.0.1 3/1"},
        Row{"external inbound icmp6 2001:db8::1 > [2001:db8::2] packet-too-big",
            "external inbound icmp6 2001:db8::1 > 2001:db8::2 packet-too-big"},
        Row{"external inbound icmp6 2001:db8::1 > 2001:db8::2 255/255",
            "external inbound icmp6 2001:db8::1 > 2001:db8::2 255/255"},
        Row{"external inbound 58 192.0.2.1 > 192.0.2.2", "external inbound 58 192.0.2.1 > 192.0.2.2"},
        Row{"external inbound icmp 192.0.2.1 > 192.0.2.2 8/0 id 7 vlan 1",
            "external inbound icmp 192.0.2.1 > 192.0.2.2 echo-request id 7 vlan 1"},
        Row{"external inbound icmp6 2001:db8::1 > 2001:db8::2 id 65535 echo-reply",
            "external inbound icmp6 2001:db8::1 > 2001:db8::2 echo-reply id 65535"},
        Row{"external inbound icmp 192.0.2.1 > 192.0.2.2 echo-reply id 0",
            "external inbound icmp 192.0.2.1 > 192.0.2.2 echo-reply"},
        Row{"external inbound 47 192.0.2.1 > 192.0.2.2 vlan 12", "external inbound 47 192.0.2.1 > 192.0.2.2 vlan 12"},
        Row{"external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 vlan 4094 ack",
            "external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 ack vlan 4094"},
        Row{"external inbound ethertype 0x88e5", "external inbound ethertype macsec"},
        Row{"internal outbound ethertype 34997 vlan 7", "internal outbound ethertype 0x88b5 vlan 7"},
        Row{"external inbound ethertype 802.3", "external inbound ethertype 802.3"}));

TEST(NotationParse, FillsInEveryField) {
    const Result<Packet> packet = parse("internal inbound tcp 10.1.2.3:1234 > 192.0.2.20:443 rst,ack vlan 7");
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->side, policy::Side::kInternal);
    EXPECT_EQ(packet->direction, policy::Direction::kInbound);
    EXPECT_EQ(packet->hook(), EDGEFW_SENT);
    EXPECT_EQ(packet->protocol, 6);
    EXPECT_EQ(packet->source.to_text(), "10.1.2.3");
    EXPECT_EQ(packet->source_port, 1234);
    EXPECT_EQ(packet->destination.to_text(), "192.0.2.20");
    EXPECT_EQ(packet->destination_port, 443);
    EXPECT_EQ(packet->tcp_flags, 0x14);
    EXPECT_EQ(packet->vlan, 7);
}

struct BadRow {
    const char* text;
    const char* message;
};

class NotationError : public testing::TestWithParam<BadRow> {};

TEST_P(NotationError, NamesWhatIsWrong) {
    const Result<Packet> packet = parse(GetParam().text);
    ASSERT_FALSE(packet) << packet->to_text();
    EXPECT_EQ(packet.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(packet.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NotationError,
    testing::Values(BadRow{"", "'' is no packet"}, BadRow{"external inbound tcp", "in quotes"},
                    BadRow{"external inbound ethertype", "is no packet"},
                    BadRow{"external inbound ethertype foo", "'foo' is no ethertype"},
                    BadRow{"external inbound ethertype 0x0800", "is IP"},
                    BadRow{"external inbound ethertype ptp vlan", "only 'vlan N' may follow"},
                    BadRow{"external inbound ethertype ptp id 7", "only 'vlan N' may follow"},
                    BadRow{"external inbound ethertype ptp vlan 4095", "is no VLAN id"},
                    BadRow{"outside inbound tcp 192.0.2.1:1 > 192.0.2.2:2", "external or internal"},
                    BadRow{"external both tcp 192.0.2.1:1 > 192.0.2.2:2", "inbound or outbound"},
                    BadRow{"external inbound stcp 192.0.2.1:1 > 192.0.2.2:2", "'stcp' is no protocol"},
                    BadRow{"external inbound sctp 192.0.2.1 > 192.0.2.2", "lacks its port: sctp wants 192.0.2.1:PORT"},
                    BadRow{"external inbound 256 192.0.2.1 > 192.0.2.2", "'256' is no protocol"},
                    BadRow{"external inbound tcp 192.0.2.1:1 to 192.0.2.2:2", "stands where '>' belongs"},
                    BadRow{"external inbound tcp 192.0.2.256:1 > 192.0.2.2:2", "'192.0.2.256' is no address"},
                    BadRow{"external inbound tcp 192.0.2.1 > 192.0.2.2:2", "lacks its port: tcp wants 192.0.2.1:PORT"},
                    BadRow{"external inbound tcp 2001:db8::1 > [2001:db8::2]:2", "in brackets"},
                    BadRow{"external inbound tcp [2001:db8::1:1 > [2001:db8::2]:2", "lacks its ']'"},
                    BadRow{"external inbound tcp [2001:db8::1]1 > [2001:db8::2]:2", "only a colon"},
                    BadRow{"external inbound tcp 192.0.2.1:65536 > 192.0.2.2:2", "'65536' is no port"},
                    BadRow{"external inbound tcp 192.0.2.1: > 192.0.2.2:2", "'' is no port"},
                    BadRow{"external inbound tcp 192.0.2.1:-1 > 192.0.2.2:2", "'-1' is no port"},
                    BadRow{"external inbound tcp 192.0.2.1:1 > [2001:db8::2]:2", "different families"},
                    BadRow{"external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 sin", "'sin' names no TCP flags"},
                    BadRow{"external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 syn,", "names no TCP flags"},
                    BadRow{"external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 syn ack", "'ack' is too much"},
                    BadRow{"external inbound udp 192.0.2.1:1 > 192.0.2.2:2 syn", "only 'vlan N' may follow"},
                    BadRow{"external inbound icmp 192.0.2.1:1 > 192.0.2.2:2 8", "has no ports"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2", "wants its type"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 packet-too-big", "is no icmp type"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 3/256", "TYPE/CODE"},
                    BadRow{"external inbound icmp 2001:db8::1 > 2001:db8::2 echo-request", "write icmp6"},
                    BadRow{"external inbound icmp6 192.0.2.1 > 192.0.2.2 echo-request", "write icmp"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 echo-reply id", "lacks its number"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 echo-reply id 65536", "no identifier"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 echo-reply id 1 id 2", "second 'id'"},
                    BadRow{"external inbound icmp 192.0.2.1 > 192.0.2.2 3/4 id 1", "echo-reply alone"},
                    BadRow{"external inbound tcp 192.0.2.1:1 > 192.0.2.2:2 syn id 1", "echo-reply alone"},
                    BadRow{"external inbound udp 192.0.2.1:1 > 192.0.2.2:2 vlan", "lacks its number"},
                    BadRow{"external inbound udp 192.0.2.1:1 > 192.0.2.2:2 vlan 4095", "is no VLAN id"},
                    BadRow{"external inbound udp 192.0.2.1:1 > 192.0.2.2:2 vlan 1 vlan 2", "second 'vlan'"}));

}  // namespace
}  // namespace edgefw::packet
