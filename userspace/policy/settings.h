// SPDX-License-Identifier: GPL-2.0-only
// check, the sections of a policy that are neither rules nor NAT: defaults, built-ins, timeouts, room for connections,
// adoption, sets.
#pragma once

#include <vector>

#include "userspace/policy/diagnostics.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/syntax.h"

namespace edgefw::policy {

// The timeouts of maps/connection.h.
void set_default_timeouts(Policy& policy);

// version, default, builtins, timeouts, adopt and sets into `policy`.
void check_settings(const Node& root, Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
