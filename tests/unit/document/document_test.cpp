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

TEST(Document, AnyTextIsJson) {
    policy::Policy policy;
    EXPECT_EQ(write(policy)["rules"], nlohmann::ordered_json::array());
    policy.rules.resize(3);
    policy.rules[1].id = "a \"quoted\" one, \\ and \t and \xc3\xa4";
    policy.rules[2].origin.table = 7;
    policy.rules[2].local_port = {{80, 80}, {443, 450}};
    policy.sets.push_back({"set", {AddressRange::single(*Address::parse("192.0.2.1"))}, {}});
    policy.file = "\"";
    const nlohmann::ordered_json json = write(policy);
    EXPECT_EQ(json["rules"].size(), 3u);
    EXPECT_EQ(json["rules"][1]["id"], policy.rules[1].id);
    EXPECT_EQ(json["rules"][1]["table"], nullptr);
    EXPECT_EQ(json["rules"][2]["table"], 7);
    EXPECT_EQ(json["rules"][2]["local_port"], (nlohmann::ordered_json{"80", "443-450"}));
    EXPECT_EQ(json["rules"][2]["remote_port"], "any");
    EXPECT_EQ(json["sets"][0]["members"], nlohmann::ordered_json::array({"192.0.2.1"}));
    EXPECT_EQ(json["file"], "\"");
    EXPECT_EQ(json.dump(), write_text(policy)) << "as JSON values are written";
}

TEST(Document, TheGenerationIsWrittenIn) {
    EXPECT_EQ(with_generation(R"({"rules":[]})", 7), R"({"rules":[],"generation":7})");
    EXPECT_EQ(with_generation("{}", 7), R"({"generation":7})");
    EXPECT_EQ(with_generation("no json", 7), "no json");
}

}  // namespace
}  // namespace edgefw::document
