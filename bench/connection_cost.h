// SPDX-License-Identifier: GPL-2.0-only
// What a packet of each kind of connection costs, beside the floor.
#pragma once

#include <string>
#include <vector>

#include "bench/packet_path.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

struct ConnectionCost {
    std::string name;
    Cost received, sent;  // established
    Cost opening;         // 32,768 of them, each of another remote port
    // A packet that goes in and one that goes out.
    Cost both() const {
        return {received.nanoseconds + sent.nanoseconds, received.floor + sent.floor, received.target};
    }
};

// Measures connections of IPv4: the drivers know no other headers. `rounds`: how many times each is measured; the best
// counts.
Result<std::vector<ConnectionCost>> measure_connection_costs(int rounds);

}  // namespace edgefw::bench
