// SPDX-License-Identifier: GPL-2.0-only
// Warnings about rules that never decide anything.
#pragma once

#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Warns of each rule that one earlier rule covers fully. Sets are compared by name: what they hold may change. Linear
// in the rules for the sets met in practice; gives up (without a warning) on those that would take more than a moment.
void warn_of_hidden_rules(const Policy& policy, Diagnostics& diagnostics);

// Warns of each entry whose packets are translated and then dropped, since a NAT entry passes nothing by itself. Of a
// forward with a hairpin on both sides.
void warn_of_nat_without_rule(const Policy& policy, Diagnostics& diagnostics);

// Warns of each rule whose local end is the public address and port of a forward: the destination is translated before
// the rules look.
void warn_of_rules_behind_nat(const Policy& policy, Diagnostics& diagnostics);

// Warns of each rule that names an ethertype which a built-in rule passes before the rules look.
void warn_of_rules_behind_builtins(const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
