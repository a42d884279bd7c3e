// SPDX-License-Identifier: GPL-2.0-only
// Live connections under a policy that is not in force: docs/semantics.md, step 6 (c), ahead of the push.
#pragma once

#include <functional>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/opened.h"
#include "userspace/kernel/types.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::engine {

// The frame of an opener, judged by the programs of the policy as the first packet of its connection.
using JudgeOpener = std::function<Result<kernel::Judgement>(const packet::Packet&)>;

// The packet that opened the connection, as it was on the wire at `hook`. One that began in mid-stream is judged as if
// a SYN had opened it.
packet::Packet opener_of(const kernel::OpenedConnection& opened, edgefw_hook hook);

// Those of `connections` that a push of `policy` would end, in their order: their next packet would drop as `revoked`.
Result<std::vector<kernel::Connection>> revoked_by(const policy::Policy& policy,
                                                   const std::vector<kernel::OpenedConnection>& connections,
                                                   const JudgeOpener& judge);

}  // namespace edgefw::engine
