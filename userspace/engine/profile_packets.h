// SPDX-License-Identifier: GPL-2.0-only
// The must-pass and must-drop packets of the profiles a policy uses, bound to its variables. They hold for the profile
// alone under `default: drop`: in a whole policy another rule may rightly decide first.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::engine {

// Of each `use:` in the policy `text`, in order; the location is that of the row in the profile. Rules are named by
// their full ids. Fails where load_text fails.
Result<std::vector<policy::PolicyTest>> profile_packets(const std::string& text, const std::string& file,
                                                        const policy::ProfilePath& profiles);

}  // namespace edgefw::engine
