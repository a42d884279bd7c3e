// SPDX-License-Identifier: GPL-2.0-only
// check, one rule at a time.
#pragma once

#include <optional>
#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/sets.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// Reads and checks one rule on its own. Nothing when it has errors.
std::optional<Rule> check_rule(const Item& item, const SetIndex& sets, Diagnostics& diagnostics);

}  // namespace edgefw::policy
