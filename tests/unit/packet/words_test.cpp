// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/words.h"

#include <gtest/gtest.h>

#include "userspace/policy/words.h"

namespace edgefw::packet {
namespace {

TEST(Words, EveryTcpFlagsByteReadsBack) {
    for (int flags = 0; flags < 256; ++flags) {
        const std::string text = tcp_flags_text(static_cast<std::uint8_t>(flags));
        EXPECT_EQ(tcp_flags_from(text), flags) << text;
    }
}

TEST(Words, EveryProtocolReadsBack) {
    for (int protocol = 0; protocol < 256; ++protocol) {
        const std::string text = policy::protocol_text(static_cast<std::uint8_t>(protocol));
        EXPECT_EQ(protocol_from(text), protocol) << text;
    }
}

TEST(Words, NumbersAreDecimalAndBounded) {
    EXPECT_EQ(number_from("0", 10), 0u);
    EXPECT_EQ(number_from("10", 10), 10u);
    for (const char* bad : {"", "11", "-1", "+1", "0x1", "1 ", " 1", "99999999999"}) {
        EXPECT_EQ(number_from(bad, 10), std::nullopt) << bad;
    }
}

TEST(Words, IcmpBelongsToOneFamily) {
    EXPECT_TRUE(is_icmp(1, Family::kIpv4));
    EXPECT_TRUE(is_icmp(58, Family::kIpv6));
    EXPECT_FALSE(is_icmp(58, Family::kIpv4));
    EXPECT_FALSE(is_icmp(1, Family::kIpv6));
}

}  // namespace
}  // namespace edgefw::packet
