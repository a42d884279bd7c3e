// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/address.h"

#include <gtest/gtest.h>

namespace edgefw {
namespace {

TEST(Address, ReadsAndPrints) {
    const struct {
        const char* text;
        const char* printed;  // nullptr: no address
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"fe80::", "fe80::"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one zero group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equal runs
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::c000:201", "::c000:201"},
        {"192.0.2", nullptr},
        {"192.0.2.256", nullptr},
        {"192.0.2.01", nullptr},
        {"192.0.2.1 ", nullptr},
        {"[2001:db8::1]", nullptr},
        {"fe80::1%eth0", nullptr},
        {"2001:db8::1::2", nullptr},
        {"", nullptr},
        {":", nullptr},
    };
    for (const auto& row : rows) {
        const auto address = Address::parse(row.text);
        ASSERT_EQ(address.has_value(), row.printed != nullptr) << row.text;
        EXPECT_EQ(address ? address->to_text() : "no address", row.printed ? row.printed : "no address") << row.text;
    }
    EXPECT_FALSE(Address::parse(std::string_view("192.0.2.1\0", 10)));
    EXPECT_FALSE(Address::parse(std::string(1000, '1')));
}

TEST(Address, BytesAreInNetworkOrder) {
    for (const char* text : {"192.0.2.1", "2001:db8::fe"}) {
        const Address address = *Address::parse(text);
        EXPECT_EQ(Address::from_bytes(address.family, address.bytes().data()), address);
    }
    EXPECT_EQ(Address::parse("192.0.2.1")->bytes()[0], 192);
    EXPECT_EQ(Address::parse("192.0.2.1")->bytes()[4], 0);
    EXPECT_EQ(Address::parse("2001:db8::fe")->bytes()[15], 0xfe);
}

TEST(Address, WordsAreTheTreeFields) {
    EXPECT_EQ(Address::parse("192.0.2.1")->words(), (std::array<std::uint32_t, 4>{0xc0000201, 0, 0, 0}));
    EXPECT_EQ(Address::parse("2001:db8:1:2:3:4:5:6")->words(),
              (std::array<std::uint32_t, 4>{0x20010db8, 0x00010002, 0x00030004, 0x00050006}));
}

TEST(AddressRange, ReadsAndPrints) {
    const struct {
        const char* text;
        const char* printed;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::/0", "::/0"},
        {"2001:db8::/128", "2001:db8::"},
        {"192.0.2.0-192.0.2.255", "192.0.2.0/24"},  // the shortest of the notations
        {"192.0.2.1-192.0.2.2", "192.0.2.1-192.0.2.2"},
        {"192.0.2.7-192.0.2.7", "192.0.2.7"},
        {"2001:db8::1-2001:db8::f", "2001:db8::1-2001:db8::f"},
    };
    for (const auto& row : rows) {
        const auto range = AddressRange::parse(row.text);
        ASSERT_TRUE(range) << row.text;
        EXPECT_EQ(range->to_text(), row.printed);
        EXPECT_EQ(AddressRange::parse(range->to_text()), range);
    }
}

TEST(AddressRange, SaysWhatWouldBeRight) {
    const struct {
        const char* text;
        const char* why;
    } rows[] = {
        {"192.0.2.9/24", "'192.0.2.9/24' has host bits set; the prefix is 192.0.2.0/24, the host alone 192.0.2.9"},
        {"2001:db8::1/32",
         "'2001:db8::1/32' has host bits set; the prefix is 2001:db8::/32, the host alone 2001:db8::1"},
        {"192.0.2.0/33", "'/33' is not a prefix length; write /0 to /32"},
        {"2001:db8::/129", "'/129' is not a prefix length; write /0 to /128"},
        {"192.0.2.0/", "'/' is not a prefix length; write /0 to /32"},
        {"192.0.2.0/024", "'/024' is not a prefix length; write /0 to /32"},
        {"192.0.2/24", "'192.0.2' is not an IP address"},
        {"192.0.2.9-192.0.2.1", "the range '192.0.2.9-192.0.2.1' ends before it starts; write 192.0.2.1-192.0.2.9"},
        {"192.0.2.1-2001:db8::1", "a range is of one family, '192.0.2.1-2001:db8::1' mixes IPv4 and IPv6"},
        {"192.0.2.1-5", "'5' is not an IP address"},
        {"host", "'host' is not an IP address, prefix or first-last range"},
    };
    for (const auto& row : rows) {
        std::string why;
        EXPECT_FALSE(AddressRange::parse(row.text, &why)) << row.text;
        EXPECT_EQ(why, row.why);
    }
}

std::string prefixes_text(const char* range) {
    std::string text;
    for (const Prefix& prefix : AddressRange::parse(range)->prefixes())
        text += prefix.to_text() + " ";
    return text;
}

TEST(AddressRange, FewestPrefixes) {
    EXPECT_EQ(prefixes_text("192.0.2.1-192.0.2.6"), "192.0.2.1 192.0.2.2/31 192.0.2.4/31 192.0.2.6 ");
    EXPECT_EQ(prefixes_text("0.0.0.0-255.255.255.255"), "0.0.0.0/0 ");
    EXPECT_EQ(prefixes_text("255.255.255.254-255.255.255.255"), "255.255.255.254/31 ");
    EXPECT_EQ(prefixes_text("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0 ");
    EXPECT_EQ(prefixes_text("::1-::3"), "::1 ::2/127 ");
    EXPECT_EQ(prefixes_text("0.0.0.1-255.255.255.254").size(),
              prefixes_text("0.0.0.1-127.255.255.255").size() + prefixes_text("128.0.0.0-255.255.255.254").size());
}

TEST(AddressRange, ContainsAndOverlaps) {
    const AddressRange prefix = *AddressRange::parse("192.0.2.0/24");
    EXPECT_TRUE(prefix.contains(*Address::parse("192.0.2.0")));
    EXPECT_TRUE(prefix.contains(*Address::parse("192.0.2.255")));
    EXPECT_FALSE(prefix.contains(*Address::parse("192.0.3.0")));
    EXPECT_FALSE(AddressRange::parse("::/0")->contains(*Address::parse("192.0.2.1")));
    EXPECT_TRUE(prefix.overlaps(*AddressRange::parse("192.0.2.255-192.0.3.1")));
    EXPECT_FALSE(prefix.overlaps(*AddressRange::parse("192.0.3.0/24")));
    EXPECT_FALSE(prefix.contains(*AddressRange::parse("192.0.2.0/23")));
}

}  // namespace
}  // namespace edgefw
