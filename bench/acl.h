// SPDX-License-Identifier: GPL-2.0-only
// The peer of the search: DPDK's rte_acl, where libdpdk-dev was there when this was built.
#pragma once

#include <optional>
#include <vector>

#include "bench/ruleset.h"
#include "bench/search.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

// One packet at a time. None where it is not built in. Fails where it finds another rule than reading them in order.
Result<std::optional<SearchTimes>> measure_acl(const std::vector<Filter>& filters, const std::vector<Header>& headers,
                                               int rounds);

}  // namespace edgefw::bench
