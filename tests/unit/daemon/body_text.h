// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "userspace/daemon/body.h"

namespace edgefw::daemon {

// All pieces in a row.
inline std::string whole(const Body& body) {
    std::string text;
    Body::Place place;
    for (std::string piece = body.read(place); !piece.empty(); piece = body.read(place))
        text += piece;
    return text;
}

}  // namespace edgefw::daemon
