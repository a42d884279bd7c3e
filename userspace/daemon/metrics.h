// SPDX-License-Identifier: GPL-2.0-only
// The Prometheus text of `edgefw serve`.
#pragma once

#include <prometheus/client_metric.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
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
};

// What the listing of a card says, as labels of its series.
struct Catalogue {
    struct Series {
        std::uint32_t slot = 0;
        std::vector<prometheus::ClientMetric::Label> labels;
    };
    std::shared_ptr<const document::Listing> listing;
    std::vector<Series> rules;  // those of the card's side, then the built-in ones
    std::vector<Series> nat;
};

class Metrics {
public:
    // Text format 0.0.4. Labels are made once a push, so that a scrape of 10,000 rules is cheap.
    Result<std::string> render(const Snapshot& snapshot);

private:
    std::map<std::string, Catalogue> catalogues_;  // by interface
};

}  // namespace edgefw::daemon
