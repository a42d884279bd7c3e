// SPDX-License-Identifier: GPL-2.0-only
// What a policy file may consist of: UTF-8 without control characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace edgefw::policy {

struct BadByte {
    std::size_t offset = 0;
    std::string message;
};

// The first place that is not printable UTF-8, tab or line break. yaml-cpp takes byte 4 for the end of the file, and
// the rest of a policy would be lost in silence.
std::optional<BadByte> find_bad_byte(std::string_view text);

}  // namespace edgefw::policy
