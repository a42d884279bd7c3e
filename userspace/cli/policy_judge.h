// SPDX-License-Identifier: GPL-2.0-only
// Who judges for a command: the programs in the kernel, or the same in user space.
#pragma once

#include <string>
#include <variant>

#include "userspace/kernel/door.h"
#include "userspace/simulator/judge.h"

namespace edgefw::cli {

class PolicyJudge {
public:
    // Of a policy that is given: in the kernel where this process may load programs, else in user space.
    static Result<PolicyJudge> of(const kernel::Compiled& policy,
                                  std::uint32_t connections = EDGEFW_CONNECTIONS_DEFAULT);
    explicit PolicyJudge(kernel::Judge judge) : judge_(std::move(judge)) {}

    Result<kernel::Judgement> judge(policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame,
                                    bool keep_frame = false) {
        return std::visit([&](auto& judge) { return judge.judge(side, hook, frame, keep_frame); }, judge_);
    }
    Result<Ok> forget() {
        return std::visit([](auto& judge) { return judge.forget(); }, judge_);
    }

    // Why the kernel does not judge; empty: it does.
    const std::string& why_in_user_space() const { return why_; }

private:
    explicit PolicyJudge(simulator::Judge judge, std::string why) : judge_(std::move(judge)), why_(std::move(why)) {}

    std::variant<kernel::Judge, simulator::Judge> judge_;
    std::string why_;
};

}  // namespace edgefw::cli
