// SPDX-License-Identifier: GPL-2.0-only
// The words of edgefw, each written down once: of the policy language, of packets' notation, of options and of what is
// printed. Reasons and built-in rules are in reasons.h, names of ICMP types and Ethernet frames in language/.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "userspace/policy/policy.h"

namespace edgefw::policy {

template <typename T>
struct Word {
    std::string_view text;
    T value;
};

inline constexpr std::array<Word<Side>, 2> kSides{{{"external", Side::kExternal}, {"internal", Side::kInternal}}};
inline constexpr std::array<Word<Direction>, 3> kDirections{
    {{"inbound", Direction::kInbound}, {"outbound", Direction::kOutbound}, {"both", Direction::kBoth}}};
inline constexpr std::array<Word<Action>, 2> kActions{{{"pass", Action::kPass}, {"drop", Action::kDrop}}};
inline constexpr std::array<Word<State>, 2> kStates{{{"keep", State::kKeep}, {"none", State::kNone}}};
inline constexpr std::array<Word<NatKind>, 5> kNatKinds{{{"port-forward", NatKind::kPortForward},
                                                         {"static", NatKind::kStatic},
                                                         {"masquerade", NatKind::kMasquerade},
                                                         {"mapped", NatKind::kMapped},
                                                         {"hairpin", NatKind::kHairpin}}};
inline constexpr std::array<Word<std::uint8_t>, 7> kProtocols{{{"tcp", IPPROTO_TCP},
                                                               {"udp", IPPROTO_UDP},
                                                               {"sctp", IPPROTO_SCTP},
                                                               {"dccp", IPPROTO_DCCP},
                                                               {"udp-lite", IPPROTO_UDPLITE},
                                                               {"icmp", IPPROTO_ICMP},
                                                               {"icmp6", IPPROTO_ICMPV6}}};
// In the order of their bits (RFC 9293, section 3.1).
inline constexpr std::array<Word<std::uint8_t>, 8> kTcpFlags{{{"fin", 0x01},
                                                              {"syn", 0x02},
                                                              {"rst", 0x04},
                                                              {"psh", 0x08},
                                                              {"ack", 0x10},
                                                              {"urg", 0x20},
                                                              {"ece", 0x40},
                                                              {"cwr", 0x80}}};

template <typename T, std::size_t kCount>
constexpr std::optional<T> value_of(std::string_view text, const std::array<Word<T>, kCount>& words) {
    for (const Word<T>& word : words) {
        if (word.text == text) return word.value;
    }
    return std::nullopt;
}

// Empty: there is no word for it.
template <typename T, std::size_t kCount>
constexpr std::string_view text_of(T value, const std::array<Word<T>, kCount>& words) {
    for (const Word<T>& word : words) {
        if (word.value == value) return word.text;
    }
    return {};
}

template <typename T, std::size_t kCount>
constexpr std::array<std::string_view, kCount> texts_of(const std::array<Word<T>, kCount>& words) {
    std::array<std::string_view, kCount> texts;
    for (std::size_t i = 0; i < kCount; ++i)
        texts[i] = words[i].text;
    return texts;
}

// The word where there is one, else the number.
std::string protocol_text(std::uint8_t protocol);

// What rules may name ports of.
constexpr bool has_ports(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP ||
           protocol == IPPROTO_UDPLITE;
}

}  // namespace edgefw::policy
