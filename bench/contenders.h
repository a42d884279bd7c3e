// SPDX-License-Identifier: GPL-2.0-only
// Who drops packets on the lab's veth: each can be put in place, asked what it dropped, and taken away.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/baseline.h"
#include "bench/lab.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct Contender {
    std::string who;
    double target = 0;  // share of the no-op's rate to reach; 0: none
    int visits = 5;     // how often it is put in place and flooded
    std::function<Result<Ok>()> start;
    std::function<Result<std::uint64_t>()> dropped;  // since it was started; empty: it cannot say
    std::function<Result<Ok>()> stop;
};

// The no-op first. All are told to drop a SYN to a closed port of the web server. `baseline` and `lab` outlive them.
Result<std::vector<Contender>> contenders(const Lab& lab, const Baseline& baseline);

}  // namespace edgefw::bench
