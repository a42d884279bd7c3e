// SPDX-License-Identifier: GPL-2.0-only
// Packets a second that one core makes, carries over a veth and drops: a no-op, edgefw, xdp-filter, nftables.
#pragma once

#include <string>
#include <vector>

#include "bench/lab.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct DropRate {
    std::string who;
    double packets_per_second = 0;
    double share = 0;   // of the no-op's
    double target = 0;  // of the share; 0: none
    std::string note;   // why there is no figure; empty: there is one
};

Result<std::vector<DropRate>> measure_drop_rates(const Lab& lab);

}  // namespace edgefw::bench
