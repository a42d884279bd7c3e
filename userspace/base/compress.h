// SPDX-License-Identifier: GPL-2.0-only
// Texts made small (Zstandard, RFC 8878), and read again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "userspace/base/result.h"

namespace edgefw {

// One frame, which says how long the text is. Fails (kFailed) only where there is no memory.
Result<std::string> compress(std::string_view text);

// The longest frame that compress() makes of a text of `size` bytes.
std::size_t longest_frame(std::size_t size);

// The text of a frame. Any bytes are safe: memory is taken for `longest` bytes at most. Fails (kFailed) on what is no
// whole frame, or one of a text that is longer than `longest`.
Result<std::string> decompress(std::string_view frame, std::size_t longest);

}  // namespace edgefw
