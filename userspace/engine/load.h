// SPDX-License-Identifier: GPL-2.0-only
// read, parse, expand, check in one go.
#pragma once

#include <string>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::engine {

// All four stages. Every error of the file at once: Error{kPolicy} whose message is one "file:line:column: what; hint"
// line each. `file` "-" reads standard input.
Result<policy::Policy> load(const std::string& file, const policy::ProfilePath& profiles);
Result<policy::Policy> load_text(const std::string& text, const std::string& file, const policy::ProfilePath& profiles);

}  // namespace edgefw::engine
