// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/capture/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/capture/files.h"
#include "userspace/packet/capture_format.h"
#include "userspace/packet/frame_text.h"
#include "userspace/packet/notation.h"

namespace edgefw::capture {
namespace {

using namespace packet;

using policy::Direction;
using policy::Side;
using testing::HasSubstr;

Bytes frame_of_text(const std::string& text) {
    return packet::frame(*packet::parse(text));
}

const std::string kInbound = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn";
const std::string kInbound6 = "external inbound udp [2001:db8:9::9]:40000 > [2001:db8::20]:53";

std::string text_of(const Record& record) {
    const auto frame = frame_of(record);
    return frame ? packet::frame_text(frame->bytes, Side::kExternal, Direction::kInbound) : frame.error().message;
}

Record record_of(std::uint32_t link, const Bytes& head, const Bytes& packet) {
    Record record{1, link, 0, Way::kUnknown, head, {}};
    record.bytes.insert(record.bytes.end(), packet.begin(), packet.end());
    record.wire_length = static_cast<std::uint32_t>(record.bytes.size());
    return record;
}

Bytes behind_ethernet(const std::string& text) {
    const Bytes frame = frame_of_text(text);
    return {frame.begin() + 14, frame.end()};
}

TEST(CaptureFrame, OfEachLinkType) {
    const Bytes sender{0x52, 0x54, 0, 1, 2, 3};
    const Bytes cooked{0, 0, 0, 1, 0, 6, 0x52, 0x54, 0, 1, 2, 3, 0, 0, 8, 0};
    const Bytes cooked2{0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 0x52, 0x54, 0, 1, 2, 3, 0, 0};
    EXPECT_EQ(text_of(record_of(kLinkEthernet, {}, frame_of_text(kInbound))), kInbound);
    for (const std::uint32_t link : {kLinkRaw, kLinkRawOfLinux, kLinkIpv4})
        EXPECT_EQ(text_of(record_of(link, {}, behind_ethernet(kInbound))), kInbound);
    EXPECT_EQ(text_of(record_of(kLinkRaw, {}, behind_ethernet(kInbound6))), kInbound6);
    EXPECT_EQ(text_of(record_of(kLinkIpv6, {}, behind_ethernet(kInbound6))), kInbound6);
    const auto first = frame_of(record_of(kLinkCooked, cooked, behind_ethernet(kInbound)));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->way, Way::kReceived);
    EXPECT_EQ(packet::frame_text(first->bytes, Side::kExternal, Direction::kInbound), kInbound);
    EXPECT_EQ(Bytes(first->bytes.begin() + 6, first->bytes.begin() + 12), sender);
    const auto second = frame_of(record_of(kLinkCooked2, cooked2, behind_ethernet(kInbound6)));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->way, Way::kSent);
    EXPECT_EQ(packet::frame_text(second->bytes, Side::kExternal, Direction::kInbound), kInbound6);
}

TEST(CaptureFrame, CookedTagsAndLengths) {
    Bytes tagged = behind_ethernet(kInbound + " vlan 12");
    EXPECT_EQ(text_of(record_of(kLinkCooked, {0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0x81, 0}, tagged)),
              kInbound + " vlan 12");
    EXPECT_EQ(text_of(record_of(kLinkCooked, {0, 2, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0, 4}, Bytes(38))),
              "external inbound ethertype 802.3");
}

TEST(CaptureFrame, SaysWhyThereIsNone) {
    EXPECT_EQ(text_of(record_of(127, {}, Bytes(60))), "link type 127 (IEEE802_11_RADIOTAP) is not read");
    EXPECT_EQ(text_of(record_of(kLinkRaw, {}, {})), "it is no IP packet");
    EXPECT_EQ(text_of(record_of(kLinkRaw, {}, {0x55})), "it is no IP packet");
    EXPECT_EQ(text_of(record_of(kLinkCooked, {}, Bytes(15))), "its cooked header is cut off");
    EXPECT_EQ(text_of(record_of(kLinkCooked2, {}, Bytes(19))), "its cooked header is cut off");
    EXPECT_EQ(text_of(record_of(kLinkCooked, {0, 0, 0x03, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}, Bytes(20))),
              "it has no Ethernet frame");  // netlink
    EXPECT_EQ(text_of(record_of(kLinkCooked, {0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}, Bytes(20))),
              "it has no Ethernet frame");
}

TEST(CaptureFrame, IsFilledUpToItsLengthAndNoFurther) {
    Record record = record_of(kLinkEthernet, {}, frame_of_text(kInbound));
    EXPECT_FALSE(frame_of(record)->filled_up);
    record.wire_length = 1500;
    const auto frame = frame_of(record);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->filled_up);
    EXPECT_EQ(frame->bytes.size(), 1500u);
    EXPECT_EQ(frame->bytes.back(), 0);
    record.wire_length = kMostFrame;
    EXPECT_EQ(frame_of(record)->bytes.size(), kMostFrame);
    for (const std::uint32_t length : {kMostFrame + 1, std::size_t{0xffffffff}}) {
        record.wire_length = length;
        EXPECT_THAT(frame_of(record).error().message, HasSubstr("longer than 65536 bytes"));
    }
}

Way way(const std::vector<std::string>& local, const Bytes& frame) {
    return Locals::parse(local)->way_of(frame);
}

TEST(CaptureLocals, BySourceAndDestination) {
    const Bytes in = frame_of_text(kInbound);
    const Bytes in6 = frame_of_text(kInbound6 + " vlan 7");
    const Bytes out = frame_of_text("external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 ack");
    EXPECT_EQ(way({"192.0.2.0/24"}, in), Way::kReceived);
    EXPECT_EQ(way({"192.0.2.0/24"}, out), Way::kSent);
    EXPECT_EQ(way({"198.51.100.9"}, in), Way::kSent);
    EXPECT_EQ(way({"2001:db8::/64"}, in6), Way::kReceived);
    EXPECT_EQ(way({"203.0.113.0/24"}, in), Way::kUnknown);
    EXPECT_EQ(way({"192.0.2.0/24", "198.51.100.0/24"}, in), Way::kUnknown) << "both ends";
    EXPECT_EQ(way({}, in), Way::kUnknown);
    EXPECT_EQ(way({"02:00:5e:00:53:02"}, in), Way::kReceived);
    EXPECT_EQ(way({"02-00-5E-00-53-01"}, in), Way::kSent);
    EXPECT_EQ(way({"02:00:5e:00:53:01", "192.0.2.0/24"}, in), Way::kSent) << "a MAC address comes first";
    EXPECT_EQ(way({"192.0.2.0/24"}, Bytes(13)), Way::kUnknown);
}

TEST(CaptureLocals, GroupsAndArp) {
    Bytes arp = frame_of_text("external inbound ethertype arp");
    std::fill_n(arp.begin(), 6, 0xff);
    const Bytes body{0, 1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, 192, 0, 2, 20, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};
    std::copy(body.begin(), body.end(), arp.begin() + 14);
    EXPECT_EQ(way({"192.0.2.20"}, arp), Way::kSent);
    EXPECT_EQ(way({"192.0.2.1"}, arp), Way::kReceived);
    EXPECT_EQ(way({"10.0.0.0/8"}, arp), Way::kReceived) << "to everybody, from elsewhere";
    EXPECT_EQ(way({"192.0.2.0/24"}, arp), Way::kUnknown);
    EXPECT_EQ(way({}, arp), Way::kUnknown) << "nobody said what is local";
    EXPECT_EQ(way({"02:00:5e:00:53:01"}, arp), Way::kSent);
}

TEST(CaptureLocals, RefusesWhatIsNeither) {
    for (const char* text : {"eth0", "192.0.2.1/24", "52:54:00:12:34", "52:54:00:12:34:5g", "52.54.00.12.34.56", ""}) {
        const auto locals = Locals::parse({text});
        ASSERT_FALSE(locals) << text;
        EXPECT_EQ(locals.error().kind, ErrorKind::kUsage);
        EXPECT_THAT(locals.error().message, HasSubstr("such as 52:54:00:12:34:56"));
    }
}

}  // namespace
}  // namespace edgefw::capture
