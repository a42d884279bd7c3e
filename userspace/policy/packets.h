// SPDX-License-Identifier: GPL-2.0-only
// The must-pass and must-drop packets of the profiles a policy uses, bound to its variables. They hold for the profile
// alone under `default: drop`: in a whole policy another rule may rightly decide first.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/stages.h"

namespace edgefw::policy {

// Returns the `must_pass` and `must_drop` packets of each profile that the policy `text` uses, in the order of its
// `use:` items. A packet's location is that of its row in the profile. A packet names its rule by the full id. Fails
// where load_text fails.
Result<std::vector<PolicyTest>> profile_packets(const std::string& text, const std::string& file,
                                                const ProfilePath& profiles);

}  // namespace edgefw::policy
