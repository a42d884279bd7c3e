// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/policy_judge.h"

namespace edgefw::cli {

Result<PolicyJudge> PolicyJudge::of(const kernel::Compiled& policy, std::uint32_t connections) {
    if (auto may_load = kernel::may_load_programs(); !may_load) {
        Result<simulator::Judge> simulated = simulator::Judge::of(policy, connections);
        if (!simulated) return simulated.error();
        return PolicyJudge(std::move(*simulated), may_load.error().message);
    }
    Result<kernel::Judge> judge = kernel::Judge::of(policy, connections);
    if (!judge) return judge.error();
    return PolicyJudge(std::move(*judge));
}

}  // namespace edgefw::cli
