// Any bytes give a policy or errors with places: truncations and mutations of a sample that uses the whole language.
#include <random>

#include "tests/unit/policy/language.h"

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

// A policy with its digest, or errors that each name the file (or the profile's).
void expect_sane(const std::string& text) {
    const auto policy = load_text(text, "p", shipped_profiles());
    if (policy) {
        EXPECT_EQ(policy->digest.size(), 64u);
        return;
    }
    const std::string& message = policy.error().message;
    ASSERT_FALSE(message.empty());
    EXPECT_EQ(policy.error().kind, ErrorKind::kPolicy);
    std::size_t start = 0;
    while (start < message.size()) {
        EXPECT_EQ(message.compare(start, 2, "p:"), 0) << message;
        const std::size_t end = message.find('\n', start);
        start = end == std::string::npos ? message.size() : end + 1;
    }
}

TEST(Fuzz, TheSampleIsGood) {
    const auto policy = load_text(kSample, "p", shipped_profiles());
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->rules.size(), 5u);
    EXPECT_EQ(policy->forwards.size(), 3u);
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
