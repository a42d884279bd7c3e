// SPDX-License-Identifier: GPL-2.0-only
// The must-pass and must-drop packets of the profiles that a policy uses, bound to its variables.
#pragma once

#include <vector>

#include "userspace/policy/policy.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// Of each `use:` in order; the location is that of the row in the profile, and rules are named by their full ids. They
// hold for the profile alone under `default: drop`: in a whole policy another rule may rightly decide first. `sets`: of
// the checked policy.
std::vector<PolicyTest> profile_packets(const Expansion& expansion, const std::vector<Set>& sets);

}  // namespace edgefw::policy
