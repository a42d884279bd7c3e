// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/policy/policy.h"

namespace edgefw::policy {

edgefw_hook hook_of(Side side, Direction direction) {
    const bool received = (side == Side::kExternal) == (direction == Direction::kInbound);
    return received ? EDGEFW_RECEIVED : EDGEFW_SENT;
}

Direction direction_of(Side side, edgefw_hook hook) {
    const bool inbound = (side == Side::kExternal) == (hook == EDGEFW_RECEIVED);
    return inbound ? Direction::kInbound : Direction::kOutbound;
}

std::string Location::to_text() const {
    if (line == 0) return file;
    return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace edgefw::policy
