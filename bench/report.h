// SPDX-License-Identifier: GPL-2.0-only
// The tables, as Markdown that also reads in a terminal.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/breakdown.h"
#include "bench/connection_cost.h"
#include "bench/connection_memory.h"
#include "bench/control_plane.h"
#include "bench/drop_rate.h"
#include "bench/million.h"
#include "bench/packet_path.h"
#include "bench/profile_cost.h"
#include "bench/router_rate.h"
#include "bench/search.h"
#include "bench/xdp_filter.h"

namespace edgefw::bench {

struct Results {
    std::vector<std::pair<std::string, std::string>> machine;
    PacketPath path;
    std::vector<ConnectionCost> connections;
    ProfileCosts profiles;
    std::vector<PeerCost> peers;
    std::vector<Step> breakdown;
    std::vector<SearchCost> search;
    std::vector<DropRate> drop_rates;
    std::vector<RouterRate> router;
    std::vector<Duration> control_plane;
    std::vector<Memory> memory;
    std::vector<ConnectionMemory> connection_memory;
    Million million;
    double seconds = 0;  // of the whole run
};

std::string to_markdown(const Results& results);

}  // namespace edgefw::bench
