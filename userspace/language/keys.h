// SPDX-License-Identifier: GPL-2.0-only
// The keys of every mapping of the policy language and of profiles: one list, for check, expand and the schema test.
#pragma once

#include <array>
#include <string_view>

namespace edgefw::policy {

inline constexpr auto kPolicyKeys =
    std::to_array<std::string_view>({"version", "default", "builtins", "sets", "rules", "nat", "tests", "timeouts",
                                     "connections", "adopt", "rollback_grace", "record", "names"});

inline constexpr auto kSetKeys = std::to_array<std::string_view>({"file", "members"});

inline constexpr auto kRuleKeys = std::to_array<std::string_view>(
    {"name", "side", "direction", "ethertype", "protocol", "local", "remote", "local_port", "remote_port", "tcp_flags",
     "established", "icmp", "vlan", "state", "action", "log", "description"});

inline constexpr auto kUseKeys = std::to_array<std::string_view>({"use", "as", "with"});

inline constexpr auto kNatKeys =
    std::to_array<std::string_view>({"name", "type", "side", "protocol", "public", "public_port", "to", "to_port",
                                     "map", "from", "as", "ports", "keep_parity", "hairpin", "description"});

inline constexpr auto kHairpinKeys = std::to_array<std::string_view>({"from", "as", "ports"});

inline constexpr auto kTestKeys = std::to_array<std::string_view>({"packet", "expect", "rule", "reason"});

inline constexpr auto kProfileKeys =
    std::to_array<std::string_view>({"name", "title", "document", "variables", "options", "rules", "nat", "constraints",
                                     "must_pass", "must_drop", "notes"});

inline constexpr auto kDocumentKeys = std::to_array<std::string_view>({"title", "file", "url", "section"});

inline constexpr auto kVariableKeys =
    std::to_array<std::string_view>({"type", "description", "default", "required", "choices", "refused"});

// What a profile's rule or NAT entry has beside the keys of a policy's.
inline constexpr auto kRowKeys =
    std::to_array<std::string_view>({"role", "document", "section", "table", "figure", "when"});

inline constexpr auto kConstraintKeys = std::to_array<std::string_view>(
    {"publicly-routable", "no-nat", "role", "when", "warning_when", "section", "reason"});

inline constexpr auto kPacketKeys = std::to_array<std::string_view>({"packet", "rule", "role", "when"});

// The keys of both lists.
template <std::size_t kFirst, std::size_t kSecond>
constexpr std::array<std::string_view, kFirst + kSecond> join(const std::array<std::string_view, kFirst>& first,
                                                              const std::array<std::string_view, kSecond>& second) {
    std::array<std::string_view, kFirst + kSecond> both{};
    for (std::size_t i = 0; i < kFirst; ++i)
        both[i] = first[i];
    for (std::size_t i = 0; i < kSecond; ++i)
        both[kFirst + i] = second[i];
    return both;
}

inline constexpr auto kProfileRuleKeys = join(kRuleKeys, kRowKeys);
inline constexpr auto kProfileNatKeys = join(kNatKeys, kRowKeys);

}  // namespace edgefw::policy
