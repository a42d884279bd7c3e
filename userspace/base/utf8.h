// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string_view>

namespace edgefw {

// How many bytes the character at the front of `text` takes; 0: it is not UTF-8 (RFC 3629: shortest form, no
// surrogates, at most U+10FFFF).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace edgefw
