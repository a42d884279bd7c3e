// SPDX-License-Identifier: GPL-2.0-only
// Ids: the stable identity of rules and NAT entries.
#pragma once

#include <optional>
#include <string>

namespace edgefw::policy {

// Why `id` cannot be one, with what would be right; nothing when it can.
std::optional<std::string> id_problem(const std::string& id);

}  // namespace edgefw::policy
