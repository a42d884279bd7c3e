// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/encoding.h"

#include <cstdint>

#include "userspace/base/utf8.h"

namespace edgefw::policy {
namespace {

bool is_control(char c) {
    const bool layout = c == '\n' || c == '\r' || c == '\t';
    return (static_cast<std::uint8_t>(c) < 0x20 && !layout) || c == 0x7f;
}

}  // namespace

std::optional<BadByte> find_bad_byte(std::string_view text) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        if (is_control(text[offset])) {
            return BadByte{offset, "a control character (byte " +
                                       std::to_string(static_cast<std::uint8_t>(text[offset])) + "); remove it"};
        }
        const std::size_t length = utf8_length(text.substr(offset));
        if (length == 0) return BadByte{offset, "this is not UTF-8; save the file as UTF-8"};
        offset += length;
    }
    return std::nullopt;
}

}  // namespace edgefw::policy
