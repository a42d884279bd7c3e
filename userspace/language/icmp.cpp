// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/icmp.h"

#include <netinet/in.h>

#include <span>

namespace edgefw::policy {
namespace {

struct TypeName {
    std::string_view name;
    std::uint8_t type;
};

constexpr TypeName kIcmp[] = {
    {"echo-reply", 0},         {"destination-unreachable", 3}, {"source-quench", 4},        {"redirect", 5},
    {"echo-request", 8},       {"router-advertisement", 9},    {"router-solicitation", 10}, {"time-exceeded", 11},
    {"parameter-problem", 12}, {"timestamp-request", 13},      {"timestamp-reply", 14},
};

constexpr TypeName kIcmp6[] = {
    {"destination-unreachable", 1},
    {"packet-too-big", 2},
    {"time-exceeded", 3},
    {"parameter-problem", 4},
    {"echo-request", 128},
    {"echo-reply", 129},
    {"router-solicitation", 133},
    {"router-advertisement", 134},
    {"neighbour-solicitation", 135},
    {"neighbour-advertisement", 136},
    {"redirect", 137},
};

std::span<const TypeName> names_of(std::uint8_t protocol) {
    if (protocol == IPPROTO_ICMP) return kIcmp;
    return kIcmp6;
}

}  // namespace

std::optional<std::uint8_t> icmp_type(std::uint8_t protocol, std::string_view name) {
    for (const TypeName& entry : names_of(protocol)) {
        if (entry.name == name) return entry.type;
    }
    return std::nullopt;
}

std::string_view icmp_name(std::uint8_t protocol, std::uint8_t type) {
    for (const TypeName& entry : names_of(protocol)) {
        if (entry.type == type) return entry.name;
    }
    return {};
}

std::vector<std::string_view> icmp_names(std::uint8_t protocol) {
    std::vector<std::string_view> names;
    for (const TypeName& entry : names_of(protocol))
        names.push_back(entry.name);
    return names;
}

}  // namespace edgefw::policy
