// SPDX-License-Identifier: GPL-2.0-only
// Debian's xdp-filter on the lab's veth, its program run as ours is.
#pragma once

#include <string>
#include <vector>

#include "bench/lab.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct PeerCost {
    std::string who;
    double nanoseconds = 0;
    std::string note;  // why there is no figure; empty: there is one
};

Result<std::vector<PeerCost>> measure_xdp_filter(const Lab& lab, int rounds);

}  // namespace edgefw::bench
