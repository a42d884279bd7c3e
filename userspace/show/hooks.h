// SPDX-License-Identifier: GPL-2.0-only
// What is wrong with the hooks of a card, and what to do: a sentence without a full stop for each.
#pragma once

#include <string>
#include <vector>

#include "userspace/kernel/types.h"

namespace edgefw::show {

// "received", "sent"
const char* to_text(edgefw_hook hook);

// Empty: what is received and what is sent is judged.
std::string loss_line(const kernel::HookedCard& card);
// The same of all cards, each with "NOT FILTERING: " or "HALF ATTACHED: " before it.
std::vector<std::string> loss_lines(const std::vector<kernel::HookedCard>& cards);

// What runs before edgefw on a card.
std::vector<std::string> forerunner_lines(const kernel::Card& card);
std::vector<std::string> forerunner_lines(const kernel::HookedCard& card);

}  // namespace edgefw::show
