// SPDX-License-Identifier: GPL-2.0-only
// The time between a push and its confirmation, at the terminal that it was typed on.
#pragma once

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::cli {

// Waits until the push is confirmed, here or by `edgefw confirm`, or has fallen back. On a terminal it asks, once a
// second with the time that is left; without one it asks nothing. Ctrl-C and "n" fall back at once. Killed in any way,
// it changes nothing: the data path keeps the time. Fails (kFailed) when the policy before is in force again, or
// another push took its place.
Result<Ok> wait_for_confirmation(const kernel::Waiting& push);

}  // namespace edgefw::cli
