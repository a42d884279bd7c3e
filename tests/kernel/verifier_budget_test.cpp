// SPDX-License-Identifier: GPL-2.0-only
// What the verifier of this kernel has to work through for every variant of the judging programs, against the ceilings
// of tests/verifier/budget.csv. They hold for clang 14 (Debian 12) and clang 19 (Debian 13), a column for each series
// of kernels that Debian has; a kernel of none of them takes the last column. A ceiling is raised by hand alone:
// EDGEFW_PRINT_BUDGET=1 prints what is measured.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "maps/config.h"
#include "maps/limits.h"
#include "tests/kernel/test_run.h"
#include "userspace/kernel/clock.h"

namespace edgefw::test {
namespace {

const std::string kForward =
    "nat:\n- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5}\n";
const std::string kStatic = "nat:\n- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6}\n";
const std::string kMasquerade = "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}\n";
// As many lengths as a hash has, which it has with thousands of prefixes alone; and one more.
std::string hosts() {
    std::string list;
    for (int i = 0; i < 4096; ++i) {
        const std::string number = std::to_string(i / 256) + "." + std::to_string(i % 256);
        list += ", 50.0." + number + ", '2d00::" + std::to_string(i) + "'";
    }
    return list;
}
const std::string kFourLengths =
    "sets: {friends: [198.51.100.7, 198.51.100.0/24, 20.0.0.0/16, 30.0.0.0/8, '2001:db8:7::7', '2001:db8:7::/48', "
    "'2a00:1::/32', '2b00::/16'" +
    hosts();
const std::string kHash = kFourLengths + "]}\n";
const std::string kTrie = kFourLengths + ", 40.0.0.0/9, '2c00::/17']}\n";

std::string rule(const std::string& rest) {
    return "- {name: r, side: external, action: pass, " + rest + "}\n";
}

struct Variant {
    const char* name;
    std::string policy;  // empty: none is pushed
    bool partial_checksums = false;
    bool adopts = false;      // as a card that was attached without a policy
    bool comes_over = false;  // while a push resizes the tables
    bool asks_shadow = false;
};

// Policies that differ in what their constants leave in the programs.
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
        {"hashes", kHash + rules + rule("remote: $friends")},
        {"tries", kTrie + rules + rule("remote: $friends")},
        {"forwards", kForward + rules + rule("protocol: tcp")},
        {"forwards-partial-checksums", kForward + rules + rule("protocol: tcp"), true},
        {"static", kStatic + rules + rule("state: none, protocol: tcp"), true},
        {"masquerade", kMasquerade + rules + rule("protocol: tcp")},
        {"everything", kHash + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true},
        {"everything-adopting", kHash + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true, true},
        {"everything-resizing", kHash + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true, true,
         true},
        {"everything-asking", kHash + kForward + kStatic.substr(5) + kMasquerade.substr(5) + four_groups, true, true,
         true, true},
    };
}

// As many of the host's own networks as there is room for.
std::vector<Prefix> most_martians() {
    std::vector<Prefix> networks;
    for (unsigned i = 0; i < EDGEFW_MARTIANS; i++) {
        networks.push_back({{Family::kIpv4, uint128{0x0a000000u + (i << 8)}}, 24});
        networks.push_back({{Family::kIpv6, uint128{0x20010db8u} << 96 | uint128{i} << 64}, 64});
    }
    return networks;
}

std::uint32_t verified_instructions(const Fd& program) {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    EXPECT_EQ(bpf_prog_get_info_by_fd(program.get(), &info, &size), 0);
    return info.verified_insns;
}

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');)
        cells.push_back(cell);
    return cells;
}

// Whether a kernel's release, "6.12.118+deb13-amd64", is of the series "6.12".
bool is_of(const std::string& release, const std::string& series) {
    return release.starts_with(series + ".") || release.starts_with(series + "-");
}

std::string kernel_release() {
    utsname name = {};
    uname(&name);
    return name.release;
}

// Returns the ceilings in this kernel's column, by "variant,program". The file's first line names the columns.
std::map<std::string, std::uint32_t> read_budget() {
    std::ifstream file(EDGEFW_SOURCE_DIR "/tests/verifier/budget.csv");
    std::map<std::string, std::uint32_t> budget;
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> heading = split(line);
    const std::string release = kernel_release();
    std::size_t column = heading.size() - 1;
    for (std::size_t i = 2; i < heading.size(); i++) {
        if (is_of(release, heading[i])) column = i;
    }
    while (std::getline(file, line)) {
        const std::vector<std::string> cells = split(line);
        budget[cells.at(0) + "," + cells.at(1)] = static_cast<std::uint32_t>(std::stoul(cells.at(column)));
    }
    return budget;
}

// A pair of programs as a card has them, and what the budget calls each; nullptr: another pair has the same program.
struct Pair {
    kernel::ReceivedAt at;
    edgefw_link_layer link_layer;
    const char* received;
    const char* sent;
};

constexpr Pair kPairs[] = {
    {kernel::ReceivedAt::kXdp, EDGEFW_ETHERNET, "received-xdp", "sent-tc"},
    {kernel::ReceivedAt::kTcIngress, EDGEFW_ETHERNET, "received-tc", nullptr},
    {kernel::ReceivedAt::kTcIngress, EDGEFW_NO_LINK, "received-tc-no-link", "sent-tc-no-link"},
};

class Budget {
public:
    void compare(const std::string& key, const Fd& program) {
        const std::uint32_t verified = verified_instructions(program);
        if (std::getenv("EDGEFW_PRINT_BUDGET") != nullptr) std::cout << "budget," << key << "," << verified << "\n";
        EXPECT_GT(verified, 0u);
        ASSERT_TRUE(ceilings_.contains(key)) << "tests/verifier/budget.csv has no line " << key;
        EXPECT_LE(verified, ceilings_.at(key)) << key << " on " << kernel_release();
        compared_.insert(key);
    }
    bool is_complete() const { return compared_.size() == ceilings_.size(); }

private:
    std::map<std::string, std::uint32_t> ceilings_ = read_budget();
    std::set<std::string> compared_;
};

// Every test run loads programs with `record` set, as `explain` does: the larger of the two.
TEST(VerifierBudget, EveryVariant) {
    Budget budget;
    for (const Variant& variant : variants()) {
        for (const Pair& pair : kPairs) {
            TestRun run({.partial_checksums = variant.partial_checksums,
                         .at = pair.at,
                         .link_layer = pair.link_layer,
                         .record_bytes = EDGEFW_RECORD_BYTES_MIN,
                         .asks_shadow = variant.asks_shadow});
            if (variant.adopts) run.adopt_until(kernel::uptime() + 3600);
            run.inside(most_martians());
            if (!variant.policy.empty()) run.push(variant.policy);
            if (variant.comes_over) run.resize(2048);
            const std::string key = std::string(variant.name) + ",";
            budget.compare(key + pair.received, run.programs().received);
            if (pair.sent != nullptr) budget.compare(key + pair.sent, run.programs().sent);
        }
    }
    EXPECT_TRUE(budget.is_complete()) << "tests/verifier/budget.csv has a line of no variant";
}

}  // namespace
}  // namespace edgefw::test
