// SPDX-License-Identifier: GPL-2.0-only
// The list of masquerades (maps/forward.h).
#pragma once

#include <vector>

#include "userspace/image/image.h"

namespace edgefw::image {

// One entry for each pair of prefixes; `slot` as in edgefw_masquerade.
std::vector<edgefw_masquerade> masquerade_entries(const policy::Masquerade& masquerade, std::uint16_t slot);

}  // namespace edgefw::image
