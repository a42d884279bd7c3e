// SPDX-License-Identifier: GPL-2.0-only
// The constraints of profiles: what its document demands of addresses and NAT.
#pragma once

#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// publicly-routable: each address is, by the IANA registries. no-nat: no NAT entry of the whole policy, whoever wrote
// it, has one of the addresses as its public address or target. `warning_when` makes a breach a warning.
void check_constraints(const std::vector<ProfileUse>& uses, const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
