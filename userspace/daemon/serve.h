// SPDX-License-Identifier: GPL-2.0-only
// `edgefw serve`: /metrics and /healthz over HTTP, and the policy file kept in force.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/daemon/drop_log.h"
#include "userspace/daemon/hook_watch.h"
#include "userspace/daemon/listener.h"
#include "userspace/daemon/policy_watch.h"
#include "userspace/kernel/types.h"

namespace edgefw::daemon {

// "127.0.0.1:9477", "[::1]:9477", ":9477" (every address). kUsage with what would be right.
Result<ListenAddress> parse_listen_address(const std::string& text);

// What serve asks of the machine.
struct Machine {
    std::function<Result<std::vector<kernel::CardCounters>>()> counters;
    std::function<Result<kernel::Status>(bool count_entries)> status;
    std::function<Result<std::vector<kernel::ClosedCard>>()> closed = {};  // absent: none are
    std::function<Result<std::vector<kernel::HookedCard>>()> hooked = {};  // absent: none are
    std::function<Result<kernel::Standing>()> standing = {};               // absent: what is in force stays
};

struct Service {
    ListenAddress address;
    Machine machine;
    std::string version;               // of edgefw
    std::optional<PolicyWatch> watch;  // absent: metrics only
    std::optional<daemon::Refresh> refresh =
        {};                                  // of the hosts that policies in force name; absent: they stay as they are
    std::optional<HookWatch> hooks = {};     // absent: nobody looks after the hooks
    std::function<void()> stop_asking = {};  // ends a question of `refresh` that waits for its answer
    // Called once it listens, before another thread is there: what it gives up is given up by all. Absent: nothing is.
    std::function<Result<Ok>()> give_up_rights = {};
    // Called before a push that only new answers of the DNS made necessary. Absent: pushes ask ever.
    std::function<void()> ask_first = {};
    std::optional<DropLog> drops = {};  // absent: nobody writes what cards drop
    Listener::Bounds bounds = {};
};

// Listens until SIGTERM or SIGINT, then returns Ok. SIGHUP pushes the watched file again. Call it before any other
// thread is started: the signals are taken from all of them.
Result<Ok> serve(Service service, spdlog::logger& log);

}  // namespace edgefw::daemon
