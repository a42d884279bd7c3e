// SPDX-License-Identifier: GPL-2.0-only
// What filters in the router: nothing, nftables, edgefw; with the same rules and the same port forward.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/router.h"
#include "bench/traffic.h"
#include "userspace/base/result.h"
#include "userspace/packet/notation.h"

namespace edgefw::bench {

struct RouterFilter {
    std::string who;
    bool translates = true;              // packets go to the public address; else to the target itself
    bool is_compared = false;            // has the targets of edgefw
    std::optional<Traffic::Place> sink;  // the first place behind the point where an opening is entered; or none
    std::function<Result<Ok>()> start;
    std::function<Result<std::uint64_t>()> entries;  // in its connection tables; empty: it has none
    std::function<Result<Ok>()> stop;
};

// The router without a filter first, then nftables. `router` outlives them.
Result<std::vector<RouterFilter>> router_filters(const Router& router);

// What is behind the port forward, and packets to it from the remotes, whose low address half and port are 0.
Address router_target();
std::uint16_t router_target_port();
packet::Packet to_router(std::uint8_t protocol, std::uint8_t tcp_flags, bool translated);
// The target's answer.
packet::Packet from_target(std::uint8_t protocol);

}  // namespace edgefw::bench
