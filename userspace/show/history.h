// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw history` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/history/entry.h"

namespace edgefw::show {

// An entry, and the cards that it is in force on now.
struct HistoryRow {
    history::Facts facts;
    std::vector<std::string> in_force = {};
};

// In the order that they are given in. Times are those of the machine's time zone; in JSON of UTC.
std::string history_text(const std::vector<HistoryRow>& rows, std::size_t width);
nlohmann::ordered_json history_json(const std::vector<HistoryRow>& rows);

}  // namespace edgefw::show
