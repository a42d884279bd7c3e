// SPDX-License-Identifier: GPL-2.0-only
// A frame for people to read. What the data path makes of it is the data path's matter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::packet {

// A frame that begins with its Ethernet header, seen at this side in this direction (not kBoth): its packet in
// notation. Where the notation has no words for it: its addresses ("... tcp 192.0.2.1 > 192.0.2.2, a later fragment"),
// or its length.
std::string frame_text(const std::vector<std::uint8_t>& frame, policy::Side side, policy::Direction direction);

}  // namespace edgefw::packet
