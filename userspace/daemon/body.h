// SPDX-License-Identifier: GPL-2.0-only
// The text of a long answer in pieces, each made when the client has taken the one before: no answer is in memory as a
// whole, however slow its client is.
#pragma once

#include <cstddef>
#include <string>

namespace edgefw::daemon {

// Bytes that a piece has at least, but for the last one.
inline constexpr std::size_t kPieceBytes = 64 * 1024;

class Body {
public:
    // How far a reader is; {}: nothing is read yet.
    struct Place {
        std::size_t section = 0;
        std::size_t row = 0;
    };

    virtual ~Body() = default;
    // The piece at `place`, which moves behind it; empty: that was all. Several readers may be in one body at once.
    virtual std::string read(Place& place) const = 0;
};

}  // namespace edgefw::daemon
