// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/hook_watch.h"

#include <algorithm>

#include "userspace/show/hooks.h"

namespace edgefw::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval{1000};
// Before what could not be attached again is tried again: it takes the verifier's time.
constexpr milliseconds kRetry{5000};

}  // namespace

milliseconds HookWatch::look(Clock::time_point now, spdlog::logger& log) {
    const Result<std::vector<kernel::HookedCard>> cards = look_();
    if (!cards) {
        complain(cards.error().message, log);
        return kInterval;
    }
    say(*cards, log);
    mend(*cards, log);
    keep(*cards, now, log);
    return kInterval;
}

void HookWatch::say(const std::vector<kernel::HookedCard>& cards, spdlog::logger& log) {
    std::vector<std::string> lines = show::loss_lines(cards);
    for (const kernel::HookedCard& card : cards) {
        for (const std::string& line : show::forerunner_lines(card))
            lines.push_back("NOT FIRST: " + line);
    }
    for (const std::string& line : lines) {
        if (std::find(said_.begin(), said_.end(), line) == said_.end()) log.error("{}", line);
    }
    if (lines.empty()) complaint_.clear();
    if (lines.empty() && !said_.empty()) log.info("every attached card filters again, and edgefw comes first");
    said_ = std::move(lines);
}

void HookWatch::mend(const std::vector<kernel::HookedCard>& cards, spdlog::logger& log) {
    for (const kernel::HookedCard& card : cards) {
        if (!card.is_unfinished) continue;
        if (const Result<Ok> done = mend_(); !done) return complain(done.error().message, log);
        log.info("what a killed attach or detach had left of {} is removed", card.interface);
    }
}

void HookWatch::keep(const std::vector<kernel::HookedCard>& cards, Clock::time_point now, spdlog::logger& log) {
    if (!keep_ || (retry_ && now < *retry_)) return;
    retry_.reset();
    for (const kernel::HookedCard& card : cards) {
        if (card.is_unfinished || card.is_filtering()) continue;
        const Result<Ok> done = keep_(card);
        if (done) {
            log.warn("{} had lost a hook and is attached again", card.interface);
            continue;
        }
        retry_ = now + kRetry;
        complain(card.interface + " cannot be attached again: " + done.error().message, log);
    }
}

void HookWatch::complain(const std::string& message, spdlog::logger& log) {
    if (message != complaint_) log.error("hooks: {}", message);
    complaint_ = message;
}

}  // namespace edgefw::daemon
