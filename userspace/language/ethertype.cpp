// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/ethertype.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace edgefw::policy {
namespace {

constexpr EthertypeRange kLengths = {0, 0x05ff};  // a length takes up to 0x05dc, the rest stands for nothing

struct EthertypeName {
    std::string_view name;
    EthertypeRange range;
};

constexpr EthertypeName kNames[] = {
    {"802.3", kLengths},
    {"arp", {0x0806, 0x0806}},
    {"wake-on-lan", {0x0842, 0x0842}},
    {"rarp", {0x8035, 0x8035}},
    {"mpls", {0x8847, 0x8847}},
    {"pppoe-discovery", {0x8863, 0x8863}},
    {"pppoe-session", {0x8864, 0x8864}},
    {"eapol", {0x888e, 0x888e}},
    {"lldp", {0x88cc, 0x88cc}},
    {"macsec", {0x88e5, 0x88e5}},
    {"ptp", {0x88f7, 0x88f7}},
};

std::optional<std::uint16_t> number_from(std::string_view word) {
    const bool hexadecimal = word.starts_with("0x");
    if (hexadecimal) word.remove_prefix(2);
    std::uint16_t number = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number, hexadecimal ? 16 : 10);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace

std::optional<EthertypeRange> ethertype_from(std::string_view word) {
    for (const EthertypeName& entry : kNames) {
        if (entry.name == word) return entry.range;
    }
    const auto number = number_from(word);
    return number ? std::optional(EthertypeRange{*number, *number}) : std::nullopt;
}

std::string to_text(const EthertypeRange& range) {
    for (const EthertypeName& entry : kNames) {
        if (entry.range.first <= range.first && range.last <= entry.range.last) return std::string(entry.name);
    }
    char text[8];
    std::snprintf(text, sizeof(text), "0x%04x", range.first);
    return text;
}

std::vector<std::string_view> ethertype_names() {
    std::vector<std::string_view> names;
    for (const EthertypeName& entry : kNames)
        names.push_back(entry.name);
    return names;
}

std::string_view ethertype_problem(const EthertypeRange& range) {
    if (range == kLengths) return {};
    if (range.first <= kLengths.last) return "is a length; write 802.3 for all frames that have one";
    if (range.first == 0x0800 || range.first == 0x86dd) return "is IP, of which rules without `ethertype:` are";
    if (range.first == 0x8100 || range.first == 0x88a8) return "is a VLAN tag; name what is behind it, and its `vlan:`";
    return {};
}

}  // namespace edgefw::policy
