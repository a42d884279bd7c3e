// SPDX-License-Identifier: GPL-2.0-only
// The world of the commands: what attach, push, check, explain and serve build a policy in.
#pragma once

#include "userspace/base/result.h"
#include "userspace/cli/context.h"
#include "userspace/engine/build.h"
#include "userspace/names/resolve.h"

namespace edgefw::cli {

using names::Wanted;

// Profiles by --profiles, hosts by --resolve, the DNS, or what is in force; warnings are logged. With kInForce what is
// in force comes first, and the DNS has 3 seconds for the hosts that nothing in force knows. `context` outlives it.
engine::World world_of(Context& context, Wanted wanted = Wanted::kAnswers);

// Runs the policy's own tests, all against one table of connections a side: on the real programs where this process may
// load them, else in user space. Loads nothing when there are none. kPolicy: some failed.
Result<Ok> run_policy_tests(const engine::Built& built, Context& context);

// What may be attached or pushed: built, and its tests passed.
Result<engine::Built> build_and_test(const engine::Source& source, Context& context, Wanted wanted = Wanted::kAnswers);

}  // namespace edgefw::cli
