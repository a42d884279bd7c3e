// SPDX-License-Identifier: GPL-2.0-only
// A difference checked: each witness judged by the programs of both policies.
#pragma once

#include "userspace/base/result.h"
#include "userspace/difference/difference.h"
#include "userspace/engine/policy_tests.h"

namespace edgefw::engine {

// Fails (kFailed) at the first witness of which the programs say something else than the difference does. Both judge a
// packet of no connection, each in a thread of its own.
Result<Ok> replay(const difference::Difference& difference, const JudgePacket& before, const JudgePacket& after);

}  // namespace edgefw::engine
