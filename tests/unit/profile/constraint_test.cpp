// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/constraint.h"

#include "tests/unit/language/language.h"

namespace edgefw::policy {
namespace {

using testing::errors_of;
using testing::load_lines;

std::string av_edge(const std::string& external, const std::string& more = "") {
    return "rules:\n- use: ocs2007-consolidated-edge\n  with: { roles: av-edge, av_internal: 172.25.33.12, "
           "av_external: " +
           external + more + " }\n";
}

constexpr const char* kReason =
    ": the external IP address of the A/V Edge Server must be publicly routable (Step 2.3. Configure Firewalls, "
    "opening "
    "section); `allow_non_public: true` makes this a warning";

TEST(Constraint, PubliclyRoutable) {
    EXPECT_EQ(errors_of(av_edge("131.107.155.12")), "");
    EXPECT_EQ(errors_of(av_edge("2606:4700::1")), "");
    EXPECT_EQ(
        errors_of(av_edge("203.0.113.7")),
        std::string("p:4:67: av_external 203.0.113.7 is not publicly routable (Documentation (TEST-NET-3), RFC 5737)") +
            kReason);
    // Each address of a list.
    EXPECT_EQ(errors_of(av_edge("[131.107.155.12, 10.0.0.1]")),
              std::string("p:4:84: av_external 10.0.0.1 is not publicly routable (Private-Use, RFC 1918)") + kReason);
}

TEST(Constraint, WarningForLabs) {
    const auto policy = load_lines(av_edge("10.0.0.1", ", allow_non_public: true"));
    ASSERT_TRUE(policy) << policy.error().message;
    ASSERT_EQ(policy->warnings.size(), 1u);
    EXPECT_EQ(
        policy->warnings[0],
        "p:4:67: av_external 10.0.0.1 is not publicly routable (Private-Use, RFC 1918): the external IP address of the "
        "A/V Edge Server must be publicly routable (Step 2.3. Configure Firewalls, opening section)");
}

TEST(Constraint, OnlyForItsRole) {
    EXPECT_EQ(errors_of("rules:\n- use: ocs2007-consolidated-edge\n  with: { roles: reverse-proxy, "
                        "reverse_proxy_internal: 10.0.0.1, "
                        "reverse_proxy_external: 10.0.0.2, av_external: 10.0.0.3 }\n"),
              "");
}

TEST(Constraint, NoNat) {
    const std::string because =
        ": neither firewall may act as a NAT for the A/V Edge Server (Step 2.3. Configure Firewalls, opening section)";
    const auto forward = [](const std::string& from, const std::string& to) {
        return "nat:\n- {name: f, type: port-forward, protocol: udp, public: " + from +
               ", public_port: 3478, to: " + to + "}\n";
    };
    EXPECT_EQ(
        errors_of(av_edge("131.107.155.12") + forward("131.107.155.12", "10.0.0.1")),
        "p:6:3: the NAT entry 'f' touches av_external 131.107.155.12; remove it, or use another address" + because);
    EXPECT_EQ(errors_of(av_edge("131.107.155.12") + forward("131.107.155.13", "172.25.33.12")),
              "p:6:3: the NAT entry 'f' touches av_internal 172.25.33.12; remove it, or use another address" + because);
    EXPECT_EQ(errors_of(av_edge("131.107.155.12") + forward("131.107.155.13", "172.25.33.13")), "");
    // allow_non_public is about the first half only.
    EXPECT_NE(errors_of(av_edge("10.0.0.9", ", allow_non_public: true") + forward("10.0.0.9", "10.0.0.1")), "");
    // Another profile's forward, too.
    EXPECT_NE(
        errors_of(av_edge("131.107.155.12") +
                  "- use: theoffice-v2-gateway\n  with: {gateway: 10.0.0.5, public: 131.107.155.12, mapping: port}\n"),
        "");
}

}  // namespace
}  // namespace edgefw::policy
