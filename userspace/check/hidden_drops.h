// SPDX-License-Identifier: GPL-2.0-only
// Warnings about drop rules that come too late.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Warns of each drop rule of whose packets an earlier pass rule passes a part, with a packet that shows it: where that
// is for hosts that the drop names, at both ends, and not an exception from the drop, all of whose packets the drop
// would match. A pass rule for fewer hosts than the drop names is taken as meant. Sets are compared by name. Silent
// about what warn_of_hidden_rules() tells, and gives up on policies that would take more than a moment.
void warn_of_hidden_drops(const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
