// SPDX-License-Identifier: GPL-2.0-only
// The sessions that a push or attach must not end behind the back of who types it.
#pragma once

#include <cstdint>
#include <string>

#include "userspace/kernel/sessions.h"
#include "userspace/kernel/types.h"

namespace edgefw::cli {

// Ok, or kFailed with the session that this policy would end on an attached card (`interface`; empty: any), who it is
// decided by, and how many more there are. `adopt`: of the policy. What cannot be found out is no reason to refuse.
Result<Ok> spares_sessions(const kernel::Compiled& policy, std::uint32_t adopt, const std::string& interface,
                           kernel::SessionLook look);

// Likewise of a card that is not attached yet: it will know no connection, and adopt none.
Result<Ok> spares_sessions_of_newcomer(const kernel::Compiled& policy, const std::string& interface, policy::Side side);

}  // namespace edgefw::cli
