// SPDX-License-Identifier: GPL-2.0-only
// check, the sections of a policy that are neither rules nor NAT: defaults, built-ins, timeouts, room for connections,
// adoption, the recorder, sets.
#pragma once

#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/language/set_files.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// The timeouts of maps/connection.h.
void set_default_timeouts(Policy& policy);

// The policy of a card that was attached without one: everything passes (the image is not armed).
Policy pass_everything();

// version, default, builtins, timeouts, adopt, record and sets, with the members in `files`, into `policy`.
void check_settings(const Node& root, const std::vector<SetFile>& files, Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
