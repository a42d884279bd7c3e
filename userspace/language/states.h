// SPDX-License-Identifier: GPL-2.0-only
// The states of connections as a policy names them, in the order of enum edgefw_connection_state (maps/connection.h).
// One name may stand for two states that follow one another.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "maps/connection.h"

namespace edgefw::policy {

#define EDGEFW_STATE_NAME(identifier, name, seconds, why) name,
inline constexpr auto kStateNames = std::to_array<std::string_view>({EDGEFW_CONNECTION_STATES(EDGEFW_STATE_NAME)});
#undef EDGEFW_STATE_NAME

// Seconds without a packet until it is forgotten, where a policy says nothing.
#define EDGEFW_STATE_SECONDS(identifier, name, seconds, why) seconds,
inline constexpr auto kStateSeconds = std::to_array<std::uint32_t>({EDGEFW_CONNECTION_STATES(EDGEFW_STATE_SECONDS)});
#undef EDGEFW_STATE_SECONDS

}  // namespace edgefw::policy
