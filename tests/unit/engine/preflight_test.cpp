// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgefw::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

policy::Policy with_forward() {
    policy::Policy policy;
    policy.file = "policy.yaml";
    policy::Forward forward;
    forward.id = "office/map";
    forward.public_address = *Address::parse("203.0.113.7");
    forward.where = {"policy.yaml", 9, 3};
    policy.forwards.push_back(forward);
    return policy;
}

kernel::LeasedAddress own(const char* address, bool dynamic = false) {
    return {*Address::parse(address), "eth0", dynamic};
}

kernel::NetworkFacts host(std::vector<kernel::LeasedAddress> addresses) {
    return {std::move(addresses), 32768, 60999, {}};
}

TEST(Preflight, WarnsOfPortsThatTheHostTakes) {
    policy::Policy policy;
    policy::Masquerade masquerade;
    masquerade.id = "office";
    masquerade.public_address = *Address::parse("203.0.113.7");
    masquerade.ports = {61000, 65535};
    policy.masquerades = {masquerade};
    EXPECT_THAT(preflight(policy, host({own("203.0.113.7")})), IsEmpty());
    policy.masquerades[0].ports = {60999, 65535};
    EXPECT_THAT(preflight(policy, host({own("203.0.113.7")})),
                ElementsAre(testing::HasSubstr("takes ports 60999-65535, and this host's own connections take "
                                               "32768-60999")));
    EXPECT_THAT(preflight(policy, host({own("203.0.113.8")})), ElementsAre(testing::HasSubstr("is not an address")));
}

TEST(Preflight, WarnsOfNftablesThatTranslate) {
    kernel::NetworkFacts network = host({own("203.0.113.7")});
    network.nat_chains = {"nat/postrouting"};
    EXPECT_THAT(preflight({}, network), ElementsAre(testing::HasSubstr("outbound rules see the addresses")));
    EXPECT_THAT(preflight(with_forward(), network), ElementsAre(testing::HasSubstr("translated twice")));
}

TEST(Preflight, WarnsOfAForwardWhosePublicAddressIsNotOurs) {
    EXPECT_THAT(preflight(with_forward(), host({own("203.0.113.8")})),
                ElementsAre(StartsWith("policy.yaml:9:3: the public address 203.0.113.7 of office/map is not")));
    EXPECT_THAT(preflight(with_forward(), host({own("203.0.113.8"), own("203.0.113.7")})), IsEmpty());
}

TEST(Preflight, WarnsOfALeaseThatCannotBeRenewed) {
    policy::Policy policy;
    policy.file = "policy.yaml";
    const std::vector<kernel::LeasedAddress> leased{own("192.0.2.1", true), own("2001:db8::1", true)};
    EXPECT_THAT(preflight(policy, host(leased)), IsEmpty());
    policy.builtins &= ~(1u << EDGEFW_BUILTIN_DHCP);
    EXPECT_THAT(preflight(policy, host(leased)), ElementsAre(testing::HasSubstr("{dhcp: off}")));
    EXPECT_THAT(preflight(policy, host({own("192.0.2.1")})), IsEmpty());
    policy.builtins = ~(1u << EDGEFW_BUILTIN_DHCPV6);
    EXPECT_THAT(preflight(policy, host(leased)),
                ElementsAre(testing::AllOf(testing::HasSubstr("2001:db8::1"), testing::HasSubstr("{dhcpv6: off}"))));
}

}  // namespace
}  // namespace edgefw::engine
