// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/policy/reasons.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace edgefw::policy {
namespace {

TEST(Reasons, NamesAreUnique) {
    std::set<std::string> names;
    for (const Reason& reason : kReasons)
        EXPECT_TRUE(names.insert(reason.name).second) << reason.name;
    EXPECT_EQ(names.size(), static_cast<std::size_t>(EDGEFW_REASON_COUNT));
}

TEST(Reasons, GoWithTheVerdictsOfTheList) {
    EXPECT_TRUE(kReasons[EDGEFW_REASON_RULE].goes_with(EDGEFW_PASS));
    EXPECT_TRUE(kReasons[EDGEFW_REASON_RULE].goes_with(EDGEFW_DROP));
    EXPECT_TRUE(kReasons[EDGEFW_REASON_CONNECTION].goes_with(EDGEFW_PASS));
    EXPECT_FALSE(kReasons[EDGEFW_REASON_CONNECTION].goes_with(EDGEFW_DROP));
    EXPECT_TRUE(kReasons[EDGEFW_REASON_REVOKED].goes_with(EDGEFW_DROP));
    EXPECT_FALSE(kReasons[EDGEFW_REASON_REVOKED].goes_with(EDGEFW_PASS));
}

TEST(Builtins, AreNamedInTheOrderOfTheirSlots) {
    EXPECT_STREQ(kBuiltinIds[EDGEFW_BUILTIN_ARP], "builtin/arp");
    EXPECT_STREQ(kBuiltinIds[EDGEFW_BUILTIN_DHCPV6], "builtin/dhcpv6");
    EXPECT_STREQ(kBuiltinIds[EDGEFW_BUILTIN_MARTIAN], "builtin/martian");
}

}  // namespace
}  // namespace edgefw::policy
