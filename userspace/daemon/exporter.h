// SPDX-License-Identifier: GPL-2.0-only
// What the HTTP paths of `edgefw serve` answer, without the HTTP.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/daemon/metrics.h"
#include "userspace/daemon/serve.h"

namespace edgefw::daemon {

// Safe to call from several threads.
class Exporter {
public:
    Exporter(Machine machine, std::string version, spdlog::logger& log)
        : machine_(std::move(machine)), version_(std::move(version)), log_(log) {}

    // /metrics. A kernel that cannot be read is logged and shows as edgefw_scrape_success 0; the rest is still
    // exported.
    std::shared_ptr<const Body> metrics(Exported exported);
    // /healthz: Ok, or why this edge does not do what it should.
    Result<Ok> health();

    void set_pushes(const PushResults& pushes);
    void set_hosts(const std::map<std::string, daemon::HostState>& hosts);

private:
    using Clock = std::chrono::steady_clock;

    Snapshot snapshot();
    std::vector<kernel::CardStatus> occupancy();

    const Machine machine_;
    const std::string version_;
    spdlog::logger& log_;
    std::mutex told_mutex_;  // guards what serve tells; never held while the kernel is asked
    std::optional<PushResults> pushes_;
    std::vector<daemon::HostState> hosts_;
    std::mutex mutex_;  // guards what is below, for as long as /metrics takes: /healthz does without it
    std::vector<kernel::CardStatus> occupancy_;
    Clock::time_point next_count_{};
    std::string complaint_;  // logged last
};

}  // namespace edgefw::daemon
