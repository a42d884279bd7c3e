// SPDX-License-Identifier: GPL-2.0-only
// The shipped profiles against their documents: each row, and each must-pass and must-drop packet by the oracle.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/oracle.h"
#include "tests/unit/language/language.h"
#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/names/resolve.h"
#include "userspace/packet/notation.h"
#include "userspace/profile/profile.h"
#include "userspace/profile/sample.h"
#include "userspace/show/profile_page.h"

namespace edgefw::policy {
namespace {

using testing::shipped_profiles;

const std::string kOcs = R"(version: 1
rules:
- use: ocs2007-consolidated-edge
  as: ocs
  with:
    reverse_proxy_internal: 172.25.33.9
    reverse_proxy_external: 192.0.2.9
    access_edge_internal: 172.25.33.10
    access_edge_external: 192.0.2.20
    next_hop: 10.45.16.10
    web_conferencing_internal: 172.25.33.11
    web_conferencing_external: 192.0.2.21
    av_internal: 172.25.33.12
    av_external: 131.107.155.12
)";
const std::string kOffice = "version: 1\nrules:\n- use: theoffice-v2-gateway\n  with: { gateway: 10.0.0.5";

Policy load_good(const std::string& text) {
    auto policy = engine::load_policy({"p", text}, shipped_profiles());
    if (!policy) {
        ADD_FAILURE() << policy.error().message;
        return {};
    }
    return *policy;
}

std::string in_words(const nlohmann::ordered_json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

// id | table figure | side direction protocol | local port > remote port, one rule a line.
std::string table_of(const std::string& text) {
    std::string table;
    const auto shown = document::write(load_good(text));
    for (const auto& rule : shown["rules"]) {
        table += in_words(rule["id"]) + " | " + in_words(rule["table"]) + " " + in_words(rule["figure"]) + " | " +
                 in_words(rule["side"]) + " " + in_words(rule["direction"]) + " " + in_words(rule["protocol"]) + " | " +
                 in_words(rule["local"]) + " " + in_words(rule["local_port"]) + " | " + in_words(rule["remote"]) + " " +
                 in_words(rule["remote_port"]) + "\n";
        EXPECT_EQ(rule["action"], "pass");
        EXPECT_EQ(rule["state"], "keep");
    }
    return table;
}

TEST(Ocs2007ConsolidatedEdge, Tables9To12) {
    EXPECT_EQ(
        table_of(kOcs),
        "ocs/reverse-proxy/internal-443 | 9 2 | internal inbound tcp | 172.25.33.9 any | any 443\n"
        "ocs/reverse-proxy/external-443 | 9 1 | external inbound tcp | 192.0.2.9 443 | any any\n"
        "ocs/access-edge/internal-5061-inbound | 10 5 | internal inbound tcp | 172.25.33.10 any | 10.45.16.10 5061\n"
        "ocs/access-edge/internal-5061-outbound | 10 5 | internal outbound tcp | 172.25.33.10 5061 | any any\n"
        "ocs/access-edge/external-5061 | 10 3 | external both tcp | 192.0.2.20 5061 | any any\n"
        "ocs/access-edge/external-443 | 10 4 | external inbound tcp | 192.0.2.20 443 | any any\n"
        "ocs/web-conferencing-edge/internal-8057 | 11 7 | internal outbound tcp | 172.25.33.11 8057 | any any\n"
        "ocs/web-conferencing-edge/external-443 | 11 6 | external inbound tcp | 192.0.2.21 443 | any any\n"
        "ocs/av-edge/internal-443 | 12 12 | internal outbound tcp | 172.25.33.12 443 | any any\n"
        "ocs/av-edge/internal-5062 | 12 13 | internal outbound tcp | 172.25.33.12 5062 | any any\n"
        "ocs/av-edge/internal-3478 | 12 14 | internal outbound udp | 172.25.33.12 3478 | any any\n"
        "ocs/av-edge/external-443 | 12 8 | external inbound tcp | 131.107.155.12 443 | any any\n"
        "ocs/av-edge/external-50000-59999-tcp | 12 9 | external both tcp | 131.107.155.12 50000-59999 | any any\n"
        "ocs/av-edge/external-3478 | 12 10 | external inbound udp | 131.107.155.12 3478 | any any\n"
        "ocs/av-edge/external-50000-59999-udp | 12 11 | external both udp | 131.107.155.12 50000-59999 | any any\n");
    EXPECT_EQ(load_good(kOcs).warnings, std::vector<std::string>{});
}

TEST(Ocs2007ConsolidatedEdge, Options) {
    const std::string director = table_of(kOcs + "    director: [10.45.16.11, 10.45.16.12]\n");
    EXPECT_NE(director.find("ocs/access-edge/internal-5061-inbound | 10 5 | internal inbound tcp | 172.25.33.10 any | "
                            "[\"10.45.16.11\",\"10.45.16.12\"] 5061\n"),
              std::string::npos);
    EXPECT_NE(
        director.find("ocs/access-edge/internal-5061-outbound | 10 5 | internal outbound tcp | 172.25.33.10 5061 | "
                      "[\"10.45.16.11\",\"10.45.16.12\"] any\n"),
        std::string::npos);
    EXPECT_EQ(std::count(director.begin(), director.end(), '\n'), 15);

    const std::string federation = table_of(kOcs + "    federation_client: true\n");
    EXPECT_NE(federation.find(
                  "ocs/access-edge/external-5061-client | 10 3 | external outbound tcp | 192.0.2.20 any | any 5061\n"),
              std::string::npos);
    const std::string anyone = table_of(kOcs + "    intranet_to_external_conferences: true\n");
    EXPECT_NE(anyone.find("ocs/intranet-to-external-conferences | 9 1 | external outbound tcp | any any | any 443\n"),
              std::string::npos);
    const std::string clients =
        table_of(kOcs + "    intranet_to_external_conferences: true\n    internal_clients: [10.0.0.0/8]\n");
    EXPECT_NE(clients.find("external outbound tcp | 10.0.0.0/8 any | any 443\n"), std::string::npos);
}

TEST(TheOfficeV2Gateway, Rows) {
    const std::string rows =
        "theoffice-v2-gateway/inbound-9555 | null null | external inbound tcp | 10.0.0.5 9555 | any any\n"
        "theoffice-v2-gateway/outbound-from-9555 | null null | external outbound tcp | 10.0.0.5 9555 | any any\n"
        "theoffice-v2-gateway/outbound-to-9555 | null null | external outbound tcp | 10.0.0.5 any | any 9555\n";
    EXPECT_EQ(table_of(kOffice + " }\n"), rows);
    EXPECT_EQ(table_of(kOffice + ", mapping: port, public: 203.0.113.7 }\n"), rows);
    EXPECT_EQ(document::write(load_good(kOffice + " }\n"))["nat"].size(), 0u);
    const auto nat = document::write(load_good(kOffice + ", mapping: port, public: 203.0.113.7 }\n"))["nat"];
    EXPECT_EQ(
        nat.dump(),
        R"([{"id":"theoffice-v2-gateway/map-9555","type":"port-forward","sides":["external"],"protocol":"tcp","public":"203.0.113.7",)"
        R"("public_port":"9555","to":"10.0.0.5","to_port":"9555","profile":"theoffice-v2-gateway",)"
        R"("document":"Firewall setup","where":"p:3:3"}])");
}

TEST(TheOfficeV2Gateway, Mapping) {
    const auto error_of = [](const std::string& more) {
        return engine::load_policy({"p", kOffice + more}, shipped_profiles()).error().message;
    };
    EXPECT_EQ(
        error_of(", mapping: port }\n"),
        "p:3:3: the profile theoffice-v2-gateway needs `public:` under `with:` (the address of the NAT router's public "
        "interface, where something is mapped)");
    const auto nat = document::write(load_good(kOffice + ", mapping: static, public: 203.0.113.7 }\n"))["nat"];
    EXPECT_EQ(nat.dump(),
              R"([{"id":"theoffice-v2-gateway/map-all","type":"static","sides":["external"],"public":"203.0.113.7",)"
              R"("to":"10.0.0.5","profile":"theoffice-v2-gateway","document":"Firewall setup","where":"p:3:3"}])");
    EXPECT_EQ(load_good(kOffice + ", public: 203.0.113.7 }\n").warnings,
              std::vector<std::string>{
                  "p:4:38: 'public' has no effect with these options; remove it, or choose what needs it"});
}

// Every packet of the profile, judged by the oracle over the profile alone. The rules and the ones packets pass by.
struct Seen {
    std::set<std::string> rules;
    std::set<std::string> passed;
};

void judge_packets(const std::string& text, Seen& seen) {
    SCOPED_TRACE(text);
    auto loaded = engine::load({"p", text}, shipped_profiles());
    ASSERT_TRUE(loaded) << loaded.error().message;
    Policy& policy = loaded->policy;
    give_sample_addresses(policy.hosts);
    for (const Rule& rule : policy.rules)
        seen.rules.insert(rule.id);
    test::Oracle oracle(policy);
    for (const PolicyTest& test : loaded->profile_packets) {
        const auto packet = packet::parse(names::with_addresses(test.packet, policy.hosts));
        ASSERT_TRUE(packet) << test.packet << ": " << packet.error().message;
        oracle.forget();
        const test::Verdict verdict = oracle.judge(*packet);
        EXPECT_EQ(verdict.action, test.expect) << test.packet << ": " << verdict.to_text();
        EXPECT_EQ(verdict.rule, test.rule.value_or("")) << test.packet;
        if (test.expect == Action::kPass) seen.passed.insert(verdict.rule);
    }
}

class ShippedProfile : public ::testing::TestWithParam<std::string> {
protected:
    std::shared_ptr<const Profile> profile() const {
        const auto found = load_profile(GetParam(), shipped_profiles());
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found : nullptr;
    }
};

TEST_P(ShippedProfile, PacketsPassAndDropAsTheySay) {
    const auto found = profile();
    ASSERT_NE(found, nullptr);
    Seen seen;
    for (const std::string& text : sample_policies(*found))
        judge_packets(text, seen);
    EXPECT_EQ(seen.rules, seen.passed) << "a row without a packet that must pass by it";
}

TEST_P(ShippedProfile, PageIsThatOfTheProfile) {
    const auto found = profile();
    ASSERT_NE(found, nullptr);
    const std::string file = std::string(EDGEFW_SOURCE_DIR) + "/docs/profiles/" + GetParam() + ".md";
    std::ifstream stream(file);
    ASSERT_TRUE(stream) << file << " is not there: scripts/generate-profile-pages";
    std::stringstream page;
    page << stream.rdbuf();
    EXPECT_EQ(page.str(), show::profile_page(show(*found))) << "scripts/generate-profile-pages makes it anew";
}

INSTANTIATE_TEST_SUITE_P(All, ShippedProfile, ::testing::ValuesIn(profile_names(shipped_profiles())),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace edgefw::policy
