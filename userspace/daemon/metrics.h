// SPDX-License-Identifier: GPL-2.0-only
// The Prometheus text of `edgefw serve`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "userspace/daemon/body.h"
#include "userspace/daemon/refresh.h"
#include "userspace/kernel/types.h"

namespace edgefw::daemon {

// What became of the pushes of this process.
struct PushResults {
    std::uint64_t ok = 0;
    std::uint64_t rejected = 0;  // the policy was wrong or failed its tests
    std::uint64_t failed = 0;    // the kernel or the host would not take it
    bool last_succeeded = false;
    std::uint64_t policy_errors = 0;  // in the file as it is now
};

// One look at everything that is exported.
struct Snapshot {
    std::vector<kernel::CardCounters> cards;
    std::vector<kernel::CardStatus> status;
    bool complete = true;                  // the kernel could be read
    std::optional<PushResults> pushes;     // absent: this process watches no policy
    std::string version;                   // of edgefw
    std::vector<daemon::HostState> hosts;  // that policies in force name
    std::vector<kernel::ClosedCard> closed = {};
    std::vector<kernel::HookedCard> hooked = {};
    kernel::Standing standing = {};
};

// Which rules and NAT entries are exported.
enum class Exported {
    kAll,
    kCounted,  // those that have counted a packet, and all built-in rules: a counter that was exported once stays
};

// Text format 0.0.4. Counters of rules and NAT entries are made text as they are read, all else at once.
std::shared_ptr<const Body> render(Snapshot snapshot, Exported exported);

}  // namespace edgefw::daemon
