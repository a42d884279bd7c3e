// SPDX-License-Identifier: GPL-2.0-only
// Times as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace edgefw {

// The seconds that "90", "90s", "10m" or "2h" are; nothing where the text is no such time, or more than `longest`.
std::optional<std::uint32_t> read_duration(std::string_view text, std::uint32_t longest);

}  // namespace edgefw
