// SPDX-License-Identifier: GPL-2.0-only
// Warnings about rules that come too late: an earlier one takes a part of what they name.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Warns of each rule of whose packets an earlier rule of the other action takes a part, with a packet that shows it;
// not where a rule of its own action, before that one, decides about the part likewise. Of a drop rule: where the part
// is for hosts that the drop names, at both ends, and not an exception from the drop, all of whose packets the drop
// would match; a pass rule for fewer hosts than the drop names is taken as meant. Of a pass rule likewise, where beside
// it names hosts or ports within wider ones that the drop names, or the drop leaves nothing of one direction: any other
// drop in front of a pass rule is taken as meant. Sets are compared by name. Names 20 rules of each action and counts
// the others. Silent about what warn_of_hidden_rules() tells, and gives up on policies that would take more than a
// moment.
void warn_of_partly_hidden_rules(const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
