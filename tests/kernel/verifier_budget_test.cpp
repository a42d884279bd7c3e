// What the verifier has to work through for every variant of the judging programs, against the ceilings of
// tests/verifier/budget.csv, which hold for clang 14 (Debian 12) and clang 19 (Debian 13, up to half as much again).
// A ceiling is raised by hand alone: EDGEFW_PRINT_BUDGET=1 prints what is measured.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

const std::string kForward =
    "nat:\n- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5}\n";
const std::string kStatic = "nat:\n- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6}\n";
const std::string kMasquerade = "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}\n";
const std::string kHosts = "sets: {friends: [198.51.100.7, '2001:db8:7::7']}\n";
const std::string kPrefixes = "sets: {friends: [198.51.100.0/24, '2001:db8:7::/48']}\n";

std::string rule(const std::string& rest) {
    return "- {name: r, side: external, action: pass, " + rest + "}\n";
}

struct Variant {
    const char* name;
    std::string policy;  // empty: none is pushed
    bool partial_checksums = false;
    bool adopts = false;  // as a card that was attached without a policy
};

// By what the program's constants leave in.
std::vector<Variant> variants() {
    const std::string rules = "rules:\n";
    const std::string four_groups =
        "rules:\n"
        "- {name: a, side: external, protocol: tcp, local: 192.0.2.1, remote: 198.51.100.1, action: pass}\n"
        "- {name: b, side: external, protocol: tcp, local: 192.0.2.1, local_port: 5, action: pass}\n"
        "- {name: c, side: external, protocol: udp, remote: 198.51.100.1, remote_port: 5, action: pass}\n"
        "- {name: d, side: external, protocol: udp, local_port: 7, remote_port: 9, action: pass}\n"
        "- {name: e, side: external, remote: $friends, local: $friends, action: pass}\n";
    return {
        {"no-policy", ""},
        {"default-only", "default: drop"},
        {"stateless", rules + rule("state: none, local: 192.0.2.20")},
        {"ipv6-only", rules + rule("state: none, local: '2001:db8::1'")},
        {"state", rules + rule("protocol: tcp")},
        {"hashes", kHosts + rules + rule("remote: $friends")},
        {"tries", kPrefixes + rules + rule("remote: $friends")},
        {"forwards", kForward + rules + rule("protocol: tcp")},
        {"forwards-partial-checksums", kForward + rules + rule("protocol: tcp"), true},
        {"static", kStatic + rules + rule("state: none, protocol: tcp"), true},
        {"masquerade", kMasquerade + rules + rule("protocol: tcp")},
        {"everything", kPrefixes + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true},
        {"everything-adopting", kPrefixes + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true,
         true},
    };
}

std::uint32_t verified_instructions(const Fd& program) {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    EXPECT_EQ(bpf_prog_get_info_by_fd(program.get(), &info, &size), 0);
    return info.verified_insns;
}

// variant,program,ceiling; the first line is a heading.
std::map<std::string, std::uint32_t> read_budget() {
    std::ifstream file(EDGEFW_SOURCE_DIR "/tests/verifier/budget.csv");
    std::map<std::string, std::uint32_t> budget;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        const std::size_t comma = line.rfind(',');
        budget[line.substr(0, comma)] = static_cast<std::uint32_t>(std::stoul(line.substr(comma + 1)));
    }
    return budget;
}

// Every test run loads programs with `record` set, as `explain` does: the larger of the two.
TEST(VerifierBudget, EveryVariant) {
    const auto budget = read_budget();
    const bool print = std::getenv("EDGEFW_PRINT_BUDGET") != nullptr;
    std::size_t compared = 0;
    for (const Variant& variant : variants()) {
        TestRun run({.partial_checksums = variant.partial_checksums});
        if (variant.adopts) run.adopt_until(kernel::uptime() + 3600);
        if (!variant.policy.empty()) run.push(variant.policy);
        const std::pair<const char*, const Fd*> programs[] = {{"judge_received", &run.programs().received},
                                                              {"judge_sent", &run.programs().sent}};
        for (const auto& [name, program] : programs) {
            const std::string key = std::string(variant.name) + "," + name;
            const std::uint32_t verified = verified_instructions(*program);
            if (print) std::cout << key << "," << verified << "\n";
            EXPECT_GT(verified, 0u);
            ASSERT_TRUE(budget.contains(key)) << "tests/verifier/budget.csv has no line " << key;
            EXPECT_LE(verified, budget.at(key)) << key;
            compared++;
        }
    }
    EXPECT_EQ(compared, budget.size()) << "tests/verifier/budget.csv has a line of no variant";
}

}  // namespace
}  // namespace edgefw::test
