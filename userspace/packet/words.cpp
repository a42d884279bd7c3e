// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/words.h"

#include <netinet/in.h>

#include <array>
#include <charconv>
#include <span>

namespace edgefw::packet {
namespace {

struct Word {
    std::uint8_t value;
    const char* text;
};

constexpr std::array kProtocols{Word{IPPROTO_TCP, "tcp"}, Word{IPPROTO_UDP, "udp"}, Word{IPPROTO_ICMP, "icmp"},
                                Word{IPPROTO_ICMPV6, "icmp6"}};

// RFC 9293 section 3.1.
constexpr std::array kTcpFlags{Word{0x01, "fin"}, Word{0x02, "syn"}, Word{0x04, "rst"}, Word{0x08, "psh"},
                               Word{0x10, "ack"}, Word{0x20, "urg"}, Word{0x40, "ece"}, Word{0x80, "cwr"}};

std::optional<std::uint8_t> value_of(std::string_view text, std::span<const Word> words) {
    for (const Word& word : words) {
        if (text == word.text) return word.value;
    }
    return std::nullopt;
}

const char* text_of(std::uint8_t value, std::span<const Word> words) {
    for (const Word& word : words) {
        if (value == word.value) return word.text;
    }
    return nullptr;
}

}  // namespace

std::optional<std::uint32_t> number_from(std::string_view word, std::uint32_t highest) {
    std::uint32_t number = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number);
    if (error != std::errc() || stop != end || number > highest) return std::nullopt;
    return number;
}

std::optional<std::uint8_t> protocol_from(std::string_view word) {
    if (const auto named = value_of(word, kProtocols)) return named;
    const auto number = number_from(word, 255);
    if (!number) return std::nullopt;
    return static_cast<std::uint8_t>(*number);
}

std::string protocol_text(std::uint8_t protocol) {
    const char* name = text_of(protocol, kProtocols);
    return name != nullptr ? name : std::to_string(protocol);
}

bool has_ports(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

bool is_icmp(std::uint8_t protocol, Family family) {
    return family == Family::kIpv4 ? protocol == IPPROTO_ICMP : protocol == IPPROTO_ICMPV6;
}

std::optional<std::uint8_t> tcp_flags_from(std::string_view word) {
    if (word == "none") return std::uint8_t{0};
    std::uint8_t flags = 0;
    while (true) {
        const std::size_t comma = word.find(',');
        const auto flag = value_of(word.substr(0, comma), kTcpFlags);
        if (!flag) return std::nullopt;
        flags |= *flag;
        if (comma == std::string_view::npos) return flags;
        word.remove_prefix(comma + 1);
    }
}

std::string tcp_flags_text(std::uint8_t flags) {
    std::string text;
    for (const Word& flag : kTcpFlags) {
        if ((flags & flag.value) == 0) continue;
        if (!text.empty()) text += ',';
        text += flag.text;
    }
    return text.empty() ? "none" : text;
}

}  // namespace edgefw::packet
