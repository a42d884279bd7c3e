// SPDX-License-Identifier: GPL-2.0-only
#include "bench/profile_cost.h"

#include <set>
#include <string>

#include "bench/driver.h"
#include "bench/floors.h"
#include "bench/instance.h"
#include "bench/stopwatch.h"

#include "userspace/engine/load.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::bench {
namespace {

// Variables of the topologies that have one server of each role: they are the same.
constexpr const char* kOneServerEach = R"(
      reverse_proxy_internal: 172.25.33.20
      reverse_proxy_external: 131.107.155.20
      access_edge_internal: 172.25.33.30
      access_edge_external: 131.107.155.30
      next_hop: 10.45.16.10
      web_conferencing_internal: 172.25.33.40
      web_conferencing_external: 131.107.155.40
      av_internal: 172.25.33.50
      av_external: 131.107.155.50)";

struct Use {
    const char* profile;
    const char* with;
};

// Each profile as in its rows under tests/profiles.
constexpr Use kEveryProfile[] = {
    {"groove", "{ client: 192.168.10.0/24 }"},
    {"ocs2007-consolidated-edge", kOneServerEach},
    {"ocs2007-remote-site-edge", R"(
      reverse_proxy_internal: 172.26.33.20
      reverse_proxy_external: 131.107.160.20
      web_conferencing_internal: [172.26.33.40, 172.26.33.41]
      web_conferencing_external: [131.107.160.40, 131.107.160.41]
      av_internal: 172.26.33.50
      av_external: 131.107.160.50)"},
    {"ocs2007-scaled-remote-site-edge", R"(
      reverse_proxy_internal: 172.26.33.20
      reverse_proxy_external: 131.107.160.20
      web_conferencing_internal: [172.26.33.40, 172.26.33.41]
      web_conferencing_external_vip: 131.107.160.40
      av_internal: [172.26.33.50, 172.26.33.51]
      av_internal_vip: 172.26.33.60
      av_external: [131.107.160.50, 131.107.160.51]
      av_external_vip: 131.107.160.60)"},
    {"ocs2007-scaled-single-site-edge", R"(
      reverse_proxy_internal: 172.25.33.20
      reverse_proxy_external: 131.107.155.20
      access_edge_internal: [172.25.33.30, 172.25.33.31]
      access_edge_external_vip: 131.107.155.30
      next_hop: 10.45.16.10
      web_conferencing_internal: [172.25.33.40, 172.25.33.41]
      web_conferencing_external_vip: 131.107.155.40
      av_internal: [172.25.33.50, 172.25.33.51]
      av_internal_vip: 172.25.33.60
      av_external: [131.107.155.50, 131.107.155.51]
      av_external_vip: 131.107.155.60)"},
    {"ocs2007-single-site-edge", kOneServerEach},
    {"online-backup", "{ client: 192.168.10.0/24 }"},
    {"theoffice-v1-gateway", "{ gateway: 10.0.0.5 }"},
    {"theoffice-v2-gateway", "{ gateway: 10.0.0.5 }"},
    {"theoffice-v2-perimeter-gateway", "{ gateway: 203.0.113.7, ip_pool: 192.168.77.0/24 }"},
    {"theoffice-v3-client", "{ client: 192.168.10.0/24, lookup_server: 198.51.100.20 }"},
    {"theoffice-v3-gateway", "{ gateway: 192.0.2.5, oem_server: 198.51.100.10, lookup_server: 198.51.100.20 }"},
    {"timesensor-365-client", "{ client: 192.168.10.0/24 }"},
    {"timesensor-365-server", "{ server: 192.0.2.40 }"},
    {"timesensor-classic", "{ client: 192.168.10.0/24 }"},
};

std::string every_profile() {
    std::string text = "version: 1\ndefault: drop\nrules:\n";
    for (const Use& use : kEveryProfile) {
        const std::string profile = use.profile;
        text += "  - use: " + profile + "\n    as: " + profile + "\n    with: " + use.with + "\n";
    }
    return text;
}

constexpr double kKnownTarget = 1.4, kOpeningTarget = 3;  // of the ratio to the floor, as with any number of rules

constexpr Outcome kKnown = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_CONNECTION};
constexpr Outcome kPassedByRule = {EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_RULE};
constexpr Outcome kDroppedByDefault = {EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_DEFAULT};

struct Row {
    const char* name;
    const char* packet;
    Outcome outcome;
    double target;
    std::vector<const char*> before;
    bool reopens = false;
};

const std::vector<Row>& rows() {
    static const std::vector<Row> all = {
        {"established, TCP",
         "external inbound tcp 198.51.100.9:40000 > 131.107.155.30:443 ack",
         kKnown,
         kKnownTarget,
         {"external inbound tcp 198.51.100.9:40000 > 131.107.155.30:443",
          "external outbound tcp 131.107.155.30:443 > 198.51.100.9:40000 syn,ack",
          "external inbound tcp 198.51.100.9:40000 > 131.107.155.30:443 ack"}},
        {"established, UDP media",
         "external inbound udp 198.51.100.9:40000 > 131.107.155.50:50010",
         kKnown,
         kKnownTarget,
         {"external inbound udp 198.51.100.9:40000 > 131.107.155.50:50010",
          "external outbound udp 131.107.155.50:50010 > 198.51.100.9:40000"}},
        {"SYN that opens, first inbound rule",
         "external inbound tcp 198.51.100.9:40000 > 131.107.155.20:443",
         kPassedByRule,
         kOpeningTarget,
         {},
         true},
        {"SYN that opens, last inbound rule",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.40:19812",
         kPassedByRule,
         kOpeningTarget,
         {},
         true},
        {"SYN to a closed port: default drop",
         "external inbound tcp 198.51.100.9:40000 > 131.107.155.20:22",
         kDroppedByDefault,
         0,
         {}},
        {"SYN to a host of no rule: default drop",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.99:443",
         kDroppedByDefault,
         0,
         {}},
    };
    return all;
}

Result<Timed> timed(const Row& row, const Driver& driver, const Instance& instance) {
    Timed what;
    auto packet = packet::parse(row.packet);
    if (!packet) return packet.error();
    what.packet = *packet;
    for (const char* before : row.before) {
        auto parsed = packet::parse(before);
        if (!parsed) return parsed.error();
        what.before.push_back(*parsed);
    }
    what.driver = &driver;
    what.way = row.reopens ? Driver::Way::kReopenedReceived : Driver::Way::kReceived;
    what.instance = &instance;
    what.outcome = row.outcome;
    return what;
}

struct Figure {
    std::size_t edgefw = 0, floor = 0;
};

}  // namespace

Result<ProfileCosts> measure_profiles(int rounds) {
    auto policy = engine::load_policy({"every-profile.yaml", every_profile()}, policy::ProfilePath::standard());
    if (!policy) return policy.error();
    auto instance = Instance::load(*policy);
    if (!instance) return instance.error();
    auto driver = Driver::load(instance->received(), instance->sent(), instance->openings());
    if (!driver) return driver.error();
    auto floors = Floors::load();
    if (!floors) return floors.error();

    Stopwatch stopwatch;
    std::vector<Figure> figures;
    for (const Row& row : rows()) {
        auto what = timed(row, *driver, *instance);
        if (!what) return what.error();
        auto beside = floors->beside(stopwatch, *what);
        if (!beside) return beside.error();
        what->less = beside->noop;
        figures.push_back({stopwatch.add(*what), beside->floor});
    }
    if (auto ran = stopwatch.run(rounds); !ran) return ran.error();

    ProfileCosts costs;
    std::set<std::string> profiles;
    for (const auto& rule : policy->rules)
        profiles.insert(rule.origin.profile);
    costs.profiles = profiles.size();
    costs.rules = policy->rules.size();
    for (std::size_t i = 0; i < figures.size(); i++) {
        const Row& row = rows()[i];
        costs.rows.push_back(
            {row.name, {stopwatch.cost(figures[i].edgefw), stopwatch.cost(figures[i].floor), row.target}});
    }
    return costs;
}

}  // namespace edgefw::bench
