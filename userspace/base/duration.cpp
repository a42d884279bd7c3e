// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/duration.h"

#include <array>
#include <charconv>
#include <utility>

namespace edgefw {

std::optional<std::uint32_t> read_duration(std::string_view text, std::uint32_t longest) {
    constexpr std::array<std::pair<char, std::uint64_t>, 3> kUnits{{{'s', 1}, {'m', 60}, {'h', 3600}}};
    std::uint64_t unit = 1;
    for (const auto& [letter, seconds] : kUnits) {
        if (!text.ends_with(letter)) continue;
        unit = seconds;
        text.remove_suffix(1);
        break;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || number > longest / unit) return std::nullopt;
    return static_cast<std::uint32_t>(number * unit);
}

}  // namespace edgefw
