// SPDX-License-Identifier: GPL-2.0-only
// The stages before `commit`, as attach, push, check, explain and serve all go through them.
#pragma once

#include <string>

#include "userspace/base/result.h"
#include "userspace/cli/context.h"
#include "userspace/kernel/types.h"
#include "userspace/names/resolve.h"
#include "userspace/policy/policy.h"

namespace edgefw::cli {

struct Prepared {
    policy::Policy policy;
    kernel::Compiled compiled;
};

using names::Wanted;

// Gives the hosts that rules name their addresses, by --resolve, the DNS, or what is in force. With kInForce what is in
// force comes first, and the DNS has 3 seconds for the hosts that nothing in force knows.
Result<Ok> resolve_hosts(policy::Policy& policy, Context& context, Wanted wanted = Wanted::kAnswers);

// read ... compile. Warnings of the policy are logged.
Result<Prepared> prepare(const std::string& file, Context& context, Wanted wanted = Wanted::kAnswers);
// The same from text that was read already; `file` names it in messages.
Result<Prepared> prepare_text(const std::string& text, const std::string& file, Context& context,
                              Wanted wanted = Wanted::kAnswers);

// Runs the policy's own tests on the real programs, all against one table of connections a side. Loads nothing when
// there are none. kPolicy: some failed.
Result<Ok> run_policy_tests(const Prepared& prepared, Context& context);

// Both: what may be attached or pushed.
Result<Prepared> prepare_and_test(const std::string& file, Context& context, Wanted wanted = Wanted::kAnswers);

}  // namespace edgefw::cli
