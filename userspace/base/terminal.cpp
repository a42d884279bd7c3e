// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/terminal.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "userspace/base/utf8.h"

namespace edgefw {
namespace {

// What ECMA-48 calls control characters: C0 without newline and tab, DEL, C1.
bool is_control(std::uint32_t character) {
    return (character < 0x20 && character != '\n' && character != '\t') || (character >= 0x7f && character < 0xa0);
}

bool is_harmless(char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

void append_escaped(std::string& to, std::uint32_t character) {
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", character);
    to += text;
}

}  // namespace

std::string for_terminal(std::string_view text) {
    constexpr std::uint32_t kReplacement = 0xfffd;
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto run = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_harmless);
        const auto end = static_cast<std::size_t>(run - text.begin());
        clean.append(text.substr(at, end - at));
        at = end;
        if (at == text.size()) break;
        const std::string_view rest = text.substr(at);
        const std::size_t length = utf8_length(rest);
        // Every control character is of one byte, or of two of which the first is 0xc2.
        const std::uint32_t character = length == 2 && rest[0] == '\xc2' ? static_cast<std::uint8_t>(rest[1])
                                        : length == 1                    ? static_cast<std::uint8_t>(rest[0])
                                                                         : UINT32_MAX;
        if (length == 0) {
            append_escaped(clean, kReplacement);
        } else if (is_control(character)) {
            append_escaped(clean, character);
        } else {
            clean.append(rest.substr(0, length));
        }
        at += std::max<std::size_t>(length, 1);
    }
    return clean;
}

}  // namespace edgefw
