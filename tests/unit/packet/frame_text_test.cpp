// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/frame_text.h"

#include <gtest/gtest.h>

#include "userspace/packet/notation.h"

namespace edgefw::packet {
namespace {

using policy::Direction;
using policy::Side;
using Bytes = std::vector<std::uint8_t>;

std::string text_of(const Bytes& frame) {
    return frame_text(frame, Side::kExternal, Direction::kInbound);
}

TEST(FrameText, IsTheWayBackFromAFrame) {
    for (const char* text : {
             "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ack",
             "external inbound udp [2001:db8:9::9]:40000 > [2001:db8::20]:53 vlan 12",
             "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 none vlan 0",
             "external inbound sctp 198.51.100.9:40000 > 192.0.2.20:443",
             "external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request id 7",
             "external inbound icmp6 2001:db8:9::9 > 2001:db8::20 packet-too-big",
             "external inbound 47 198.51.100.9 > 192.0.2.20",
             "external inbound ethertype lldp vlan 3",
             "external inbound ethertype 802.3",
         }) {
        const auto packet = parse(text);
        ASSERT_TRUE(packet) << text;
        EXPECT_EQ(frame_text(frame(*packet), packet->side, packet->direction), packet->to_text());
    }
}

TEST(FrameText, SaysWhatItCanOfTheRest) {
    const Bytes whole = frame(*parse("external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443"));
    Bytes later = whole;
    later[21] = 100;
    EXPECT_EQ(text_of(later), "external inbound tcp 198.51.100.9 > 192.0.2.20, a later fragment");
    Bytes cut(whole.begin(), whole.begin() + 40);
    EXPECT_EQ(text_of(cut), "external inbound tcp 198.51.100.9 > 192.0.2.20, cut off or malformed");
    EXPECT_EQ(text_of(Bytes(whole.begin(), whole.begin() + 30)),
              "external inbound a frame of 30 bytes, cut off or malformed");
    EXPECT_EQ(text_of({}), "external inbound a frame of 0 bytes, cut off or malformed");
}

TEST(FrameText, WalksExtensionHeaders) {
    Bytes plain = frame(*parse("external inbound udp [2001:db8:9::9]:40000 > [2001:db8::20]:53"));
    Bytes frame = plain;
    const Bytes fragment{17, 0, 0, 1, 0, 0, 0, 1};  // the first
    frame.insert(frame.begin() + 54, fragment.begin(), fragment.end());
    frame[20] = 44;
    EXPECT_EQ(text_of(frame), "external inbound udp [2001:db8:9::9]:40000 > [2001:db8::20]:53");
    frame[57] = 8;
    EXPECT_EQ(text_of(frame), "external inbound udp 2001:db8:9::9 > 2001:db8::20, a later fragment");
}

TEST(FrameText, EveryPrefixOfEveryFrameIsSafe) {
    for (const char* text : {"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 vlan 1",
                             "external inbound icmp6 2001:db8:9::9 > 2001:db8::20 echo-request"}) {
        const Bytes whole = frame(*parse(text));
        for (std::size_t size = 0; size <= whole.size(); ++size)
            EXPECT_FALSE(text_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).empty());
    }
}

}  // namespace
}  // namespace edgefw::packet
