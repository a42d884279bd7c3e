// SPDX-License-Identifier: GPL-2.0-only
// What a push would change.
#pragma once

#include <string>

namespace edgefw::document {

// What --dry-run prints: rules, NAT entries, sets, hosts, built-in rules, defaults, room and timeouts that are added,
// removed, changed or moved. The arguments are documents: the one in force ("" when none) and the new one.
std::string delta_text(const std::string& in_force, const std::string& next);

}  // namespace edgefw::document
