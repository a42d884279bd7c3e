// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/words.h"

#include <netinet/in.h>

#include <charconv>

#include "userspace/policy/words.h"

namespace edgefw::packet {
std::optional<std::uint32_t> number_from(std::string_view word, std::uint32_t highest) {
    std::uint32_t number = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number);
    if (error != std::errc() || stop != end || number > highest) return std::nullopt;
    return number;
}

std::optional<std::uint8_t> protocol_from(std::string_view word) {
    if (const auto named = policy::value_of(word, policy::kProtocols)) return named;
    const auto number = number_from(word, 255);
    if (!number) return std::nullopt;
    return static_cast<std::uint8_t>(*number);
}

bool is_icmp(std::uint8_t protocol, Family family) {
    return family == Family::kIpv4 ? protocol == IPPROTO_ICMP : protocol == IPPROTO_ICMPV6;
}

std::optional<std::uint8_t> tcp_flags_from(std::string_view word) {
    if (word == "none") return std::uint8_t{0};
    std::uint8_t flags = 0;
    while (true) {
        const std::size_t comma = word.find(',');
        const auto flag = policy::value_of(word.substr(0, comma), policy::kTcpFlags);
        if (!flag) return std::nullopt;
        flags |= *flag;
        if (comma == std::string_view::npos) return flags;
        word.remove_prefix(comma + 1);
    }
}

std::string tcp_flags_text(std::uint8_t flags) {
    std::string text;
    for (const auto& flag : policy::kTcpFlags) {
        if ((flags & flag.value) == 0) continue;
        if (!text.empty()) text += ',';
        text += flag.text;
    }
    return text.empty() ? "none" : text;
}

}  // namespace edgefw::packet
