// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw counters --shadow` prints, and `status` of a card that has a shadow.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/kernel/types.h"

namespace edgefw::show {

// "edge.yaml, 12 of 3,400 would be decided otherwise"
std::string shadow_line(const kernel::CardShadow& shadow);

// {"shadows": [...]}, see docs/commands.md.
nlohmann::ordered_json shadows_json(const std::vector<kernel::CardShadow>& shadows);
// What `status` says of one.
nlohmann::ordered_json shadow_json(const kernel::CardShadow& shadow);
// A line for each pair of rules, the one with most first.
std::string shadows_text(const std::vector<kernel::CardShadow>& shadows, std::size_t width);

}  // namespace edgefw::show
