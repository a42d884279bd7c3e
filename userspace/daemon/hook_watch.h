// SPDX-License-Identifier: GPL-2.0-only
// Watches the hooks of all cards: says once what they have lost and who came before edgefw, removes what a killed
// attach or detach has left, and puts back what is lost where it is told to.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::daemon {

class HookWatch {
public:
    using Clock = std::chrono::steady_clock;
    using Look = std::function<Result<std::vector<kernel::HookedCard>>()>;
    using Mend = std::function<Result<Ok>()>;
    // Attaches again what a card has lost.
    using Keep = std::function<Result<Ok>(const kernel::HookedCard&)>;

    // Without `keep` what is lost stays lost.
    HookWatch(Look look, Mend mend, Keep keep)
        : look_(std::move(look)), mend_(std::move(mend)), keep_(std::move(keep)) {}

    // Returns when to look again, counted from `now`.
    std::chrono::milliseconds look(Clock::time_point now, spdlog::logger& log);

private:
    void mend(const std::vector<kernel::HookedCard>& cards, spdlog::logger& log);
    void keep(const std::vector<kernel::HookedCard>& cards, Clock::time_point now, spdlog::logger& log);
    void say(const std::vector<kernel::HookedCard>& cards, spdlog::logger& log);
    void complain(const std::string& message, spdlog::logger& log);

    Look look_;
    Mend mend_;
    Keep keep_;
    std::vector<std::string> said_;           // what is wrong, as it was logged last
    std::string complaint_;                   // logged last
    std::optional<Clock::time_point> retry_;  // of keep(), after one that failed
};

}  // namespace edgefw::daemon
