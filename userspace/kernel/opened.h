// SPDX-License-Identifier: GPL-2.0-only
// Live connections with what a policy is asked about when it judges their openers again (bpf/connection/rejudge.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

struct OpenedConnection {
    Connection connection;
    std::uint32_t generation = 0;  // that judged it last; 0: none, it was learned
    std::uint16_t detail = 0;      // of the opener: TCP flags, or ICMP type << 8 | code
    std::uint16_t vlan = 0;        // of the opener; 0: none
};

// As connections() of door.h.
Result<std::vector<OpenedConnection>> opened_connections(const std::optional<std::string>& interface);

}  // namespace edgefw::kernel
