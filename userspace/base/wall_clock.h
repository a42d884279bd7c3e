// SPDX-License-Identifier: GPL-2.0-only
// The clock on the wall, which may be set: to be shown, and not to be waited by.
#pragma once

#include <chrono>
#include <cstdint>

namespace edgefw {

// Milliseconds since 1970.
inline std::uint64_t wall_milliseconds() {
    using std::chrono::system_clock;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace edgefw
