// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/policy/policy.h"

namespace edgefw::policy {

const char* to_text(Side side) {
    return side == Side::kExternal ? "external" : "internal";
}

const char* to_text(Direction direction) {
    switch (direction) {
        case Direction::kInbound:
            return "inbound";
        case Direction::kOutbound:
            return "outbound";
        case Direction::kBoth:
            break;
    }
    return "both";
}

const char* to_text(Action action) {
    return action == Action::kPass ? "pass" : "drop";
}

const char* to_text(State state) {
    return state == State::kKeep ? "keep" : "none";
}

const char* to_text(NatKind kind) {
    switch (kind) {
        case NatKind::kPortForward:
            return "port-forward";
        case NatKind::kStatic:
            return "static";
        case NatKind::kMasquerade:
            return "masquerade";
        case NatKind::kMapped:
            return "mapped";
        case NatKind::kHairpin:
            break;
    }
    return "hairpin";
}

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
