// SPDX-License-Identifier: GPL-2.0-only
// Who judges the packets of a capture by one policy, in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/cli/policy_judge.h"
#include "userspace/engine/build.h"

namespace edgefw::cli {

// The programs in the kernel. User space judges each packet beside them, so that it knows what came before when there
// is one that a test run does not take. From that packet on it judges alone, because the tables in the kernel lack it.
// A frame that is too short for a connection is in no table, and changes nothing for those behind it.
class ReplayJudge {
public:
    static Result<ReplayJudge> of(const engine::Built& built);
    // Of what is in force (on `interface`, else the newest). Where it cannot be built again, nobody judges beside.
    static Result<ReplayJudge> in_force(const std::optional<std::string>& interface);

    // Nothing: nobody can judge this packet.
    Result<std::optional<kernel::Judgement>> judge(std::uint64_t number, policy::Side side, edgefw_hook hook,
                                                   const std::vector<std::uint8_t>& frame);

    // Why the kernel judges no packet at all; empty: it does.
    const std::string& why_in_user_space() const { return why_; }
    // Packets that user space judged although the kernel judges.
    std::uint64_t refused() const { return refused_; }
    // The packet from which on user space judges alone, and how long its frame is; 0: there is none.
    std::uint64_t first_refused() const { return first_refused_; }
    std::size_t refused_length() const { return refused_length_; }

private:
    ReplayJudge(std::optional<kernel::Judge> kernel, std::optional<simulator::Judge> beside, std::string why)
        : kernel_(std::move(kernel)), beside_(std::move(beside)), why_(std::move(why)) {}

    std::optional<kernel::Judge> kernel_;
    std::optional<simulator::Judge> beside_;
    std::string why_;
    std::uint64_t refused_ = 0;
    std::uint64_t first_refused_ = 0;
    std::size_t refused_length_ = 0;
};

}  // namespace edgefw::cli
