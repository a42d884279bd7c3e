// SPDX-License-Identifier: GPL-2.0-only
// Keeps the addresses of hosts by name in force true, while `serve` runs: asks again when an answer has expired, and
// moves the addresses that changed into the class tables in force. Nothing is compiled, no connection is judged again.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "userspace/image/hosts.h"
#include "userspace/kernel/types.h"
#include "userspace/names/resolve.h"

namespace edgefw::daemon {

// One host of a policy in force, for the metrics.
struct HostState {
    std::string name;
    std::size_t addresses = 0;
    std::int64_t resolved = 0;  // seconds since 1970; 0: never
    bool answered = true;       // the last question had an answer
    std::uint64_t changes = 0;  // times its addresses changed, since serve began
    std::uint64_t failures = 0;
};

class Refresh {
public:
    using Clock = std::chrono::steady_clock;
    // What it does to the kernel (kernel/door.h).
    struct Tables {
        std::function<Result<std::vector<kernel::HostsInForce>>()> in_force;
        std::function<Result<std::uint32_t>(std::uint32_t generation, const Address&)> class_of;
        std::function<Result<Ok>(std::uint32_t generation, const std::vector<kernel::ClassChange>&,
                                 const std::string& text)>
            move;
    };
    // The shortest and the longest time between two questions for one name, whatever its TTL.
    struct Bounds {
        std::chrono::seconds shortest{5};
        std::chrono::seconds longest{3600};
    };

    Refresh(Tables tables, names::Ask ask, names::Fixed fixed, Bounds bounds)
        : tables_(std::move(tables)), ask_(std::move(ask)), fixed_(std::move(fixed)), bounds_(bounds) {}

    // Asks for what is due and moves what changed. Returns when to look again, counted from `now`; `unix_now` is the
    // same moment in seconds since 1970. `needs_push` is called where only a push can bring the new addresses into
    // force.
    std::chrono::milliseconds look(Clock::time_point now, std::int64_t unix_now,
                                   const std::function<void()>& needs_push, spdlog::logger& log);

    const std::map<std::string, HostState>& hosts() const { return states_; }

private:
    void ask_for_due(const std::vector<image::Hosts>& in_force, Clock::time_point now, std::int64_t unix_now,
                     spdlog::logger& log);
    bool bring_in(std::uint32_t generation, image::Hosts hosts, spdlog::logger& log);
    Clock::duration pause(const policy::Host& host, std::int64_t unix_now) const;

    Tables tables_;
    names::Ask ask_;
    names::Fixed fixed_;
    Bounds bounds_;
    std::map<std::string, Clock::time_point> due_;
    std::map<std::string, policy::Host> latest_;  // what was found since serve began
    std::map<std::string, HostState> states_;
    std::string complaint_;
};

}  // namespace edgefw::daemon
