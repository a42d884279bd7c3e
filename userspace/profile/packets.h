// SPDX-License-Identifier: GPL-2.0-only
// The must-pass and must-drop packets of the profiles that a policy uses, bound to its variables.
#pragma once

#include <vector>

#include "userspace/policy/policy.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// Returns the `must_pass` and `must_drop` packets of each profile that a policy uses, in the order of its `use:` items.
// A packet's location is that of its row in the profile. A packet names its rule by the full id. The packets hold for
// the profile alone under `default: drop`: in a whole policy another rule may rightly decide first. `sets` are those of
// the checked policy.
std::vector<PolicyTest> profile_packets(const Expansion& expansion, const std::vector<Set>& sets);

}  // namespace edgefw::policy
