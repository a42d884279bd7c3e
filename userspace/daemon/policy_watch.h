// SPDX-License-Identifier: GPL-2.0-only
// Keeps the policy in force equal to a file: pushes it when it changed and is valid. The file is read, not its time
// stamp: editors that rename over it and volumes that swap a symbolic link are seen like any other change.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "userspace/base/result.h"
#include "userspace/daemon/metrics.h"
#include "userspace/kernel/types.h"

namespace edgefw::daemon {

class PolicyWatch {
public:
    using Clock = std::chrono::steady_clock;
    // What a look finds. Equal digests are equal policies.
    struct Found {
        std::string text;
        std::string digest;
    };
    using Read = std::function<Result<Found>()>;
    // The whole way, from the file's text to the kernel.
    using Push = std::function<Result<kernel::PushReport>(const std::string& text)>;

    // `interval` lies between two looks at the file.
    PolicyWatch(Read read, Push push, std::chrono::milliseconds interval)
        : read_(std::move(read)), push_(std::move(push)), interval_(interval) {}

    // Looks at the file and pushes it if need be. Returns when to look again, counted from `now`. A wrong file is
    // logged line by line, once a change, and changes nothing; a push that the host refused is tried again.
    std::chrono::milliseconds look(Clock::time_point now, spdlog::logger& log);

    // The next look pushes, whatever the file holds: the profiles it uses may have changed.
    void push_again() { handled_.reset(); }

    const PushResults& results() const { return results_; }

private:
    void push(const Found& found, Clock::time_point now, spdlog::logger& log);
    void refuse(const Error& error, Clock::time_point now, spdlog::logger& log);
    void complain(const std::string& message, spdlog::logger& log);

    Read read_;
    Push push_;
    std::chrono::milliseconds interval_;
    std::optional<std::string> seen_;     // digest of what the last look found
    std::optional<std::string> handled_;  // digest of what was pushed or refused last
    std::optional<Clock::time_point> retry_;
    std::string complaint_;  // logged last
    PushResults results_;
};

}  // namespace edgefw::daemon
