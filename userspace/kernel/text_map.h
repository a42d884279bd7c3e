// SPDX-License-Identifier: GPL-2.0-only
// A text in a pinned map: compressed, in elements of a page, read whole or not at all while another process writes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "userspace/base/result.h"
#include "userspace/kernel/map.h"

namespace edgefw::kernel {

// Bytes of the longest text that is kept. A reader takes no more memory, whatever a map says.
inline constexpr std::size_t kLongestText = std::size_t{1} << 30;

// A map that holds `text`. `room`: bytes that a later text may be longer, however badly it compresses. Fails (kFailed)
// where the text is longer than kLongestText.
Result<Map> text_map(const char* name, std::string_view text, std::size_t room);

// Fails where the text has no room.
Result<Ok> write_text(const Map& map, std::string_view text);

// Fails where no whole text is there, also after some tries.
Result<std::string> read_text(const Map& map);

}  // namespace edgefw::kernel
