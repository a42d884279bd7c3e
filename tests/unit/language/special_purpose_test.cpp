// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/special_purpose.h"

#include <gtest/gtest.h>

namespace edgefw::policy {
namespace {

TEST(SpecialPurpose, FirstAndLastOfTheBlocks) {
    const struct {
        const char* address;
        const char* why;
    } rows[] = {
        {"8.8.8.8", ""},
        {"131.107.155.12", ""},
        {"0.0.0.0", "\"This host on this network\", RFC 1122"},
        {"9.255.255.255", ""},
        {"10.0.0.0", "Private-Use, RFC 1918"},
        {"10.255.255.255", "Private-Use, RFC 1918"},
        {"11.0.0.0", ""},
        {"100.64.0.1", "Shared Address Space, RFC 6598"},
        {"100.128.0.0", ""},
        {"172.15.255.255", ""},
        {"172.31.255.255", "Private-Use, RFC 1918"},
        {"192.0.0.8", "IPv4 dummy address, RFC 7600"},
        {"192.0.0.9", ""},  // globally reachable inside a block that is not
        {"192.0.0.11", "IETF Protocol Assignments, RFC 6890"},
        {"192.0.2.1", "Documentation (TEST-NET-1), RFC 5737"},
        {"198.19.255.255", "Benchmarking, RFC 2544"},
        {"224.0.0.1", "Multicast, RFC 5771"},
        {"255.255.255.255", "Limited Broadcast, RFC 919"},
        {"2606:4700::1", ""},
        {"::1", "Loopback Address, RFC 4291"},
        {"64:ff9b::1", ""},
        {"2001::1", "TEREDO, RFC 4380"},
        {"2001:1::1", ""},
        {"2001:1::4", "IETF Protocol Assignments, RFC 2928"},
        {"2001:20::1", ""},
        {"2001:200::1", ""},
        {"2001:db8::1", "Documentation, RFC 3849"},
        {"3fff:fff::1", "Documentation, RFC 9637"},
        {"4000::1", "outside global unicast, 2000::/3, RFC 4291"},
        {"fd00::1", "Unique-Local, RFC 4193"},
        {"fe80::1", "Link-Local Unicast, RFC 4291"},
        {"ff02::1", "Multicast, RFC 4291"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(not_publicly_routable(*Address::parse(row.address)), row.why) << row.address;
}

}  // namespace
}  // namespace edgefw::policy
