// SPDX-License-Identifier: GPL-2.0-only
// check, NAT entries against one another.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// What entries must not do to one another (share a public address, port and protocol), and how many there may be: of
// entries, of forwarded ports, and of pairs of networks in masquerades. Warns of entries that others leave nothing.
void check_overlaps(const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
