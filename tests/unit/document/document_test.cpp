// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/document.h"

#include <gtest/gtest.h>

namespace edgefw::document {
namespace {

policy::Host host(const std::string& name, const std::string& address, std::int64_t resolved = 1) {
    policy::Host host;
    host.name = name;
    host.addresses = {*Address::parse(address)};
    host.resolved = resolved;
    return host;
}

TEST(HostsDigest, IsOfNamesAndAddressesAlone) {
    EXPECT_EQ(hosts_digest({}), nullptr);
    const auto digest = hosts_digest({host("a.example", "192.0.2.1")});
    EXPECT_EQ(digest.get<std::string>().size(), 64u);
    EXPECT_EQ(hosts_digest({host("a.example", "192.0.2.1", 2)}), digest) << "when it was found does not count";
    EXPECT_NE(hosts_digest({host("a.example", "192.0.2.2")}), digest);
    EXPECT_NE(hosts_digest({host("b.example", "192.0.2.1")}), digest);
    EXPECT_NE(hosts_digest({host("a.example", "192.0.2.1"), host("b.example", "192.0.2.1")}), digest);
}

TEST(Document, TheTextIsThatOfTheValues) {
    policy::Policy policy;
    EXPECT_EQ(write_text(policy), write(policy).dump());
    policy.rules.resize(3);
    policy.rules[1].id = "a \"quoted\" one";
    policy.sets.push_back({"set", {}, {}});
    policy.hosts = {host("a.example", "192.0.2.1")};
    EXPECT_EQ(write(policy)["rules"].size(), 3u);
    EXPECT_EQ(write_text(policy), write(policy).dump());
}

TEST(Document, TheGenerationIsWrittenIn) {
    EXPECT_EQ(with_generation(R"({"rules":[]})", 7), R"({"rules":[],"generation":7})");
    EXPECT_EQ(with_generation("{}", 7), R"({"generation":7})");
    EXPECT_EQ(with_generation("no json", 7), "no json");
}

}  // namespace
}  // namespace edgefw::document
