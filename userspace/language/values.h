// SPDX-License-Identifier: GPL-2.0-only
// The scalars of the policy language: one function per kind of value. Each reports what it cannot read and yields
// nothing then.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/language/fields.h"
#include "userspace/language/suggest.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/words.h"

namespace edgefw::policy {

// One word out of a table. `what` names the kind of value: "an action".
template <typename T, std::size_t kCount>
std::optional<T> read_word(const Node& node, const std::array<Word<T>, kCount>& words, std::string_view what,
                           Diagnostics& diagnostics) {
    std::vector<std::string_view> texts;
    for (const Word<T>& word : words) {
        if (node.is_scalar() && node.text == word.text) return word.value;
        texts.push_back(word.text);
    }
    const std::string hint = node.is_scalar() ? suggestion(node.text, texts) : "; write " + alternatives(texts);
    diagnostics.error(node, describe(node) + " is not " + std::string(what) + hint);
    return std::nullopt;
}

inline constexpr std::array<Word<bool>, 6> kSwitches{
    {{"true", true}, {"false", false}, {"on", true}, {"off", false}, {"yes", true}, {"no", false}}};

struct Bounds {
    std::uint32_t lowest = 0;
    std::uint32_t highest = 0;
};

// A decimal number within `bounds`. `what` names the value: "a VLAN id".
std::optional<std::uint32_t> read_number(const Node& node, Bounds bounds, std::string_view what,
                                         Diagnostics& diagnostics);

// A word of kProtocols, or a number. `any` is not read here.
std::optional<std::uint8_t> read_protocol(const Node& node, Diagnostics& diagnostics);

// A port, first-last, or a list of those; sorted and disjoint. Empty: any.
std::vector<PortRange> read_ports(const Node& node, Diagnostics& diagnostics);
std::string to_text(const PortRange& range);

// "syn,!ack", or a list of such words.
std::optional<TcpFlags> read_tcp_flags(const Node& node, Diagnostics& diagnostics);
std::string to_text(const TcpFlags& flags);

// A type name, TYPE or TYPE/CODE, or a list of those.
std::vector<IcmpMatch> read_icmp(const Node& node, std::uint8_t protocol, Diagnostics& diagnostics);
std::string to_text(const IcmpMatch& match, std::uint8_t protocol);

// A name, a number, or a list of those; sorted and disjoint. Empty: it cannot be read.
std::vector<EthertypeRange> read_ethertypes(const Node& node, Diagnostics& diagnostics);

// True for the word that stands for no restriction.
inline bool is_any(const Node& node) {
    return node.is_scalar() && node.text == "any";
}

}  // namespace edgefw::policy
