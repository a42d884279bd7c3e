// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw counters` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/kernel/types.h"

namespace edgefw::show {

// {"interfaces": [...]}, see docs/commands.md. Rules are those of the policy in order, then the built-in ones.
nlohmann::ordered_json counters_json(const std::vector<kernel::CardCounters>& cards);

// The rules of each card's side, its NAT entries, the built-in rules and reasons that saw a packet, and the total.
std::string counters_text(const std::vector<kernel::CardCounters>& cards, std::size_t width);

}  // namespace edgefw::show
