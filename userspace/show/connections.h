// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw connections` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/kernel/types.h"

namespace edgefw::show {

// Finds the rules, NAT entries and cards that the words of a ConnectionFilter name and that do not exist. Returns a
// sentence without a full stop for each. `cards`: every attached card with the document in force.
std::vector<std::string> unknown_names(const std::vector<std::string>& words,
                                       const std::vector<kernel::CardCounters>& cards);

nlohmann::ordered_json connections_json(const std::vector<kernel::Connection>& connections);
// One line each, oldest first, and their number.
std::string connections_text(std::vector<kernel::Connection> connections, std::size_t width);

}  // namespace edgefw::show
