#include "userspace/policy/encoding.h"

#include <cstdint>

namespace edgefw::policy {
namespace {

// How many bytes the character at the front of `text` takes; 0: it is not UTF-8 (RFC 3629: shortest form, no
// surrogates, at most U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const std::uint8_t second = byte(1);
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool surrogate = lead == 0xed && second >= 0xa0;
    const bool too_high = lead == 0xf4 && second >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

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
