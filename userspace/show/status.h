// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw status` prints, and cards as `attach` and `push` print them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/kernel/types.h"

namespace edgefw::show {

nlohmann::ordered_json card_json(const kernel::Card& card);
// "eth0 (external, native, tcx)"
std::string card_text(const kernel::Card& card);

// That the policy in force has rules for the other side alone, and what to do; empty: it has not.
std::string wrong_side_line(const kernel::Card& card);
// What whoever attaches or pushes is told of a card beside that: this, and what the card does not do well.
std::vector<std::string> card_warnings(const kernel::Card& card);

// A line for each.
std::string closed_text(const std::vector<kernel::ClosedCard>& closed);

nlohmann::ordered_json status_json(const kernel::Status& status);
std::string status_text(const kernel::Status& status, std::size_t width);

}  // namespace edgefw::show
