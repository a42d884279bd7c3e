// SPDX-License-Identifier: GPL-2.0-only
// What a router comes to on one core: connections opened and packets forwarded a second, without a filter, with
// nftables, with edgefw.
#pragma once

#include <string>
#include <vector>

#include "bench/lab.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

// What one filter comes to in a second. 0: not measured.
struct RouterRate {
    std::string who;
    bool is_compared = false;  // has the targets
    double handshakes = 0;     // through the router, each of three segments
    double openings = 0;       // of SYNs that a sink right behind the filter takes
    double udp = 0, tcp = 0;   // packets of established flows, 64 bytes of payload
    std::string note;          // why there are no figures; empty: there are some
};

// The target: at least so many times the rate of nftables.
inline constexpr double kHandshakesTarget = 1.5;
inline constexpr double kOpeningsTarget = 3;

// The router without a filter first, then nftables.
Result<std::vector<RouterRate>> measure_router(const Lab& lab);

}  // namespace edgefw::bench
