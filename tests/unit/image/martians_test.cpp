// SPDX-License-Identifier: GPL-2.0-only
// Which of the host's addresses and networks nobody outside can come from.
#include "userspace/image/martians.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace edgefw::image {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

OwnAddress own(const std::string& address, int length, Faces faces) {
    const Address parsed = *Address::parse(address);
    const int host_bits = width_of(parsed.family) - length;
    const uint128 network = host_bits >= 128 ? 0 : parsed.value >> host_bits << host_bits;
    return {parsed, {{parsed.family, network}, length}, faces};
}

std::vector<std::string> martians(const std::vector<OwnAddress>& addresses) {
    std::vector<std::string> texts;
    for (const Prefix& prefix : martians_of(addresses))
        texts.push_back(prefix.to_text());
    return texts;
}

TEST(Martians, OwnAddressesAndNetworksInside) {
    EXPECT_THAT(martians({own("198.51.100.7", 24, Faces::kOutside), own("10.0.0.1", 24, Faces::kInside),
                          own("192.168.9.1", 24, Faces::kNeither), own("2001:db8:5::1", 64, Faces::kInside),
                          own("2001:db8::7", 64, Faces::kOutside)}),
                ElementsAre("10.0.0.0/24", "192.168.9.1", "198.51.100.7", "2001:db8:5::/64", "2001:db8::7"));
}

TEST(Martians, WhatEveryLinkOrHostHasIsNobodys) {
    EXPECT_THAT(martians({own("127.0.0.1", 8, Faces::kNeither), own("::1", 128, Faces::kNeither),
                          own("fe80::1", 64, Faces::kInside), own("169.254.0.1", 30, Faces::kInside)}),
                IsEmpty());
}

// A default route in the shape of a network, and a host that has one network on both sides.
TEST(Martians, NetworksThatAreOutsideTooAreLeftOut) {
    EXPECT_THAT(martians({own("10.0.0.1", 0, Faces::kInside)}), ElementsAre("10.0.0.1"));
    EXPECT_THAT(martians({own("203.0.113.1", 24, Faces::kOutside), own("203.0.113.1", 24, Faces::kInside)}),
                ElementsAre("203.0.113.1"));
    EXPECT_THAT(martians({own("10.1.0.1", 24, Faces::kOutside), own("10.0.0.1", 8, Faces::kInside)}),
                ElementsAre("10.0.0.1", "10.1.0.1"))
        << "the wider one inside";
    EXPECT_THAT(martians({own("10.0.0.1", 8, Faces::kOutside), own("10.1.0.1", 24, Faces::kInside)}),
                ElementsAre("10.0.0.1", "10.1.0.1"))
        << "the wider one outside";
    EXPECT_THAT(martians({own("198.51.100.7", 0, Faces::kOutside), own("10.1.0.1", 24, Faces::kInside)}),
                ElementsAre("10.1.0.0/24", "198.51.100.7"))
        << "outside everything";
}

TEST(Martians, OneHoldsTheOther) {
    EXPECT_THAT(martians({own("10.0.0.1", 16, Faces::kInside), own("10.0.7.1", 24, Faces::kInside)}),
                ElementsAre("10.0.0.0/16"));
}

TEST(Martians, TheImageHoldsSoMany) {
    std::vector<OwnAddress> addresses;
    for (int i = 0; i < EDGEFW_MARTIANS + 3; i++)
        addresses.push_back(own("10.0." + std::to_string(i) + ".1", 24, Faces::kInside));
    addresses.push_back(own("2001:db8:5::1", 64, Faces::kInside));
    Image image;
    EXPECT_EQ(set_martians(image, martians_of(addresses)), 3u);
    const edgefw_config& config = image.config[EDGEFW_EXTERNAL];
    EXPECT_EQ(config.martians[EDGEFW_IPV4], static_cast<std::uint32_t>(EDGEFW_MARTIANS));
    EXPECT_EQ(config.martians[EDGEFW_IPV6], 1u);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&config.martian4[1]);
    EXPECT_THAT(std::vector<int>(bytes, bytes + 8), ElementsAre(10, 0, 1, 0, 255, 255, 255, 0));
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].martians[EDGEFW_IPV4], 0u);
    EXPECT_EQ(set_martians(image, {}), 0u);
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].martians[EDGEFW_IPV4], 0u);
}

}  // namespace
}  // namespace edgefw::image
