// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/policy/words.h"

namespace edgefw::policy {

// The tables hold literals: each text ends with a zero.
const char* to_text(Side side) {
    return text_of(side, kSides).data();
}

const char* to_text(Direction direction) {
    return text_of(direction, kDirections).data();
}

const char* to_text(Action action) {
    return text_of(action, kActions).data();
}

const char* to_text(State state) {
    return text_of(state, kStates).data();
}

const char* to_text(NatKind kind) {
    return text_of(kind, kNatKinds).data();
}

std::string protocol_text(std::uint8_t protocol) {
    const std::string_view name = text_of(protocol, kProtocols);
    return name.empty() ? std::to_string(protocol) : std::string(name);
}

}  // namespace edgefw::policy
