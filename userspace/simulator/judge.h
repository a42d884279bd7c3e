// SPDX-License-Identifier: GPL-2.0-only
// Judging without the kernel: the data path's own source, compiled for user space (data_path.c), with tables in memory.
// It needs no rights, and takes frames that a test run refuses.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::simulator {

// As kernel::Judge (kernel/door.h), for policies that are given. It judges as the programs of its source do: of a
// kernel that would refuse them, or judge otherwise, it says nothing. One thread at a time judges with it.
class Judge {
public:
    static Result<Judge> of(const kernel::Compiled& policy, std::uint32_t connections = EDGEFW_CONNECTIONS_DEFAULT);

    Judge(Judge&&) noexcept;
    Judge& operator=(Judge&&) noexcept;
    ~Judge();

    Result<kernel::Judgement> judge(policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame,
                                    bool keep_frame = false);
    // Empties the private connection tables.
    Result<Ok> forget();

private:
    struct State;
    explicit Judge(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace edgefw::simulator
