// SPDX-License-Identifier: GPL-2.0-only
// Any bytes give a policy or errors with places: truncations and mutations of a sample that uses the whole language.
#include <random>

#include "tests/unit/language/language.h"
#include "userspace/engine/load.h"

namespace edgefw::policy {
namespace {

using testing::shipped_profiles;

constexpr const char* kSample = R"(version: 1
default: {external: {inbound: drop, outbound: pass}, internal: pass}
builtins: {dhcp: off}
timeouts: {tcp-established: 3600}
sets:
  offices: [198.51.100.0/24, "2001:db8:7::"]
rules:
  - name: ssh
    side: external
    direction: inbound
    protocol: tcp
    local: 192.0.2.10
    local_port: [22, 2200-2210]
    remote: [$offices, 203.0.113.1-203.0.113.9]
    action: pass
  - {name: ping, side: internal, protocol: icmp, icmp: [echo-request, 3/4], action: drop}
  - use: theoffice-v2-gateway
    with: { gateway: 10.0.0.5, public: 203.0.113.7, mapping: port }
nat:
  - {name: web, type: port-forward, protocol: [tcp, udp], public: 203.0.113.8, public_port: 80, to: 10.0.0.6}
tests:
  - packet: external inbound tcp 198.51.100.9:40000 > 192.0.2.10:22
    expect: pass
    rule: ssh
)";

// A policy with its digest, or errors that each name the file (or the profile's) and a line of it.
void expect_sane(const std::string& text) {
    const auto policy = engine::load_policy({"p", text}, shipped_profiles());
    if (policy) {
        EXPECT_EQ(policy->digest.size(), 64u);
        return;
    }
    const std::string& message = policy.error().message;
    ASSERT_FALSE(message.empty());
    EXPECT_EQ(policy.error().kind, ErrorKind::kPolicy);
    for (const Problem& problem : policy.error().problems)
        EXPECT_GT(problem.line, 0) << message;
    EXPECT_FALSE(policy.error().problems.empty()) << message;
    std::size_t start = 0;
    while (start < message.size()) {
        const std::size_t end = message.find('\n', start);
        const std::string line = message.substr(start, end - start);
        EXPECT_TRUE(line.starts_with("p:") || line.find(".yaml:") != std::string::npos) << message;
        start = end == std::string::npos ? message.size() : end + 1;
    }
}

TEST(Fuzz, TheSampleIsGood) {
    const auto policy = engine::load_policy({"p", kSample}, shipped_profiles());
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->rules.size(), 5u);
    EXPECT_EQ(policy->forwards.size(), 3u);
}

// An entry of each kind with all its keys, as `FOLDER[{KEY: VALUE, ...}]`.
struct Entry {
    const char* before;
    std::vector<std::pair<const char*, const char*>> keys;
    const char* after;
};

const Entry kEntries[] = {
    {"rules: [{",
     {{"name", "r"},
      {"side", "external"},
      {"direction", "inbound"},
      {"protocol", "tcp"},
      {"local", "192.0.2.1"},
      {"local_port", "22"},
      {"remote", "[$offices]"},
      {"remote_port", "[1-9, 11]"},
      {"vlan", "10"},
      {"state", "none"},
      {"tcp_flags", "syn"},
      {"established", "on"},
      {"icmp", "echo-request"},
      {"description", "d"},
      {"action", "pass"}},
     "}]\nsets: {offices: [198.51.100.0/24]}\n"},
    {"rules: [{",
     {{"use", "theoffice-v2-gateway"},
      {"as", "gate"},
      {"with", "{gateway: 10.0.0.5, public: 203.0.113.7, mapping: port}"}},
     "}]\n"},
    {"nat: [{",
     {{"name", "n"},
      {"type", "port-forward"},
      {"side", "external"},
      {"protocol", "[tcp, udp]"},
      {"public", "203.0.113.8"},
      {"public_port", "80-89"},
      {"to", "10.0.0.6"},
      {"to_port", "8080-8089"},
      {"hairpin", "{from: 10.0.0.0/24, as: 10.0.0.1}"},
      {"description", "d"}},
     "}]\n"},
    {"nat: [{name: n, type: port-forward, protocol: tcp, public: 203.0.113.8, public_port: 80, to: 10.0.0.6, hairpin: "
     "{",
     {{"from", "10.0.0.0/24"}, {"as", "10.0.0.1"}, {"ports", "1024-2047"}},
     "}}]\n"},
    {"nat: [{",
     {{"name", "n"}, {"type", "static"}, {"side", "external"}, {"public", "203.0.113.8"}, {"to", "10.0.0.6"}},
     "}]\n"},
    {"nat: [{",
     {{"name", "n"},
      {"type", "masquerade"},
      {"side", "external"},
      {"protocol", "udp"},
      {"from", "10.0.0.0/24"},
      {"to", "198.51.100.0/24"},
      {"as", "203.0.113.8"},
      {"ports", "1024-2047"},
      {"keep_parity", "on"}},
     "}]\n"},
    {"nat: [{",
     {{"name", "n"},
      {"type", "mapped"},
      {"protocol", "tcp"},
      {"public", "10.0.0.1"},
      {"map", "{9001: 192.0.2.1, 9002: 192.0.2.2}"},
      {"to_port", "443"},
      {"from", "10.0.0.0/24"},
      {"as", "203.0.113.8"},
      {"ports", "1024-2047"}},
     "}]\n"},
    {"tests: [{",
     {{"packet", "external inbound tcp 198.51.100.9:40000 > 192.0.2.10:22"},
      {"expect", "drop"},
      {"rule", "r"},
      {"reason", "default"}},
     "}]\n"},
    {"",
     {{"default", "{external: {inbound: drop, outbound: pass}, internal: pass}"},
      {"builtins", "{dhcp: off}"},
      {"timeouts", "{tcp-established: 3600}"},
      {"connections", "{confirmed: 4096, datagrams: 4096, half_open: {ipv4: 100, ipv6: 100}}"},
      {"adopt", "30"},
      {"rollback_grace", "2m"},
      {"sets", "{offices: [198.51.100.0/24]}"},
      {"rules", "[]"},
      {"nat", "[]"},
      {"tests", "[]"}},
     "\n"},
};

// The entry, but for the keys of these two numbers; the value of key `other` is another one.
std::string without(const Entry& entry, std::size_t first, std::size_t second, std::size_t other = SIZE_MAX,
                    const char* value = "") {
    const bool is_block = *entry.before == '\0';
    std::string text = std::string("version: 1\n") + entry.before;
    for (std::size_t i = 0; i < entry.keys.size(); ++i) {
        if (i == first || i == second) continue;
        const auto& [key, usual] = entry.keys[i];
        text += std::string(key) + ": " + (i == other ? value : usual) + (is_block ? "\n" : ", ");
    }
    return text + entry.after;
}

// Keys that need one another must not take it for granted that the other is there.
TEST(Fuzz, EveryKeyLeftOutAloneAndInPairs) {
    for (const Entry& entry : kEntries) {
        for (std::size_t first = 0; first < entry.keys.size(); ++first) {
            for (std::size_t second = first; second < entry.keys.size(); ++second)
                expect_sane(without(entry, first, second));
        }
    }
}

TEST(Fuzz, EveryValueOfAnotherKind) {
    for (const Entry& entry : kEntries) {
        for (std::size_t key = 0; key < entry.keys.size(); ++key) {
            for (const char* value :
                 {"~", "''", "x", "0", "-1", "[]", "{}", "[x]", "[[]]", "{x: y}", "[~]", "1-2", "0-0"})
                expect_sane(without(entry, SIZE_MAX, SIZE_MAX, key, value));
        }
    }
}

TEST(Fuzz, Truncations) {
    const std::string sample = kSample;
    for (std::size_t length = 0; length < sample.size(); ++length)
        expect_sane(sample.substr(0, length));
}

TEST(Fuzz, Mutations) {
    const std::string alphabet = std::string("[]{}:,-#&*!|>'\"%@`$ \n\t0:/az\x04\xff\xe2", 31) + std::string(1, '\0');
    const std::uint32_t seed = 2007;  // the same in each run: a failure is found again
    std::mt19937 random(seed);
    for (int round = 0; round < 1000; ++round) {
        std::string text = kSample;
        for (int edit = 0; edit < 1 + round % 4; ++edit) {
            const std::size_t at = random() % text.size();
            const char byte = alphabet[random() % alphabet.size()];
            switch (random() % 3) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                default:
                    text.erase(at, 1 + random() % 20);
            }
        }
        SCOPED_TRACE(text);
        expect_sane(text);
    }
}

}  // namespace
}  // namespace edgefw::policy
