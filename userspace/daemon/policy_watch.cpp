// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/policy_watch.h"

#include <malloc.h>

#include <algorithm>
#include <sstream>

#include "userspace/show/status.h"

namespace edgefw::daemon {
namespace {

using std::chrono::milliseconds;

// Between a change and its push: an editor that writes in place may be half way.
constexpr milliseconds kSettle{100};
// Before a push that the host refused is tried again: a card may have been attached meanwhile.
constexpr milliseconds kRetry{5000};

std::uint64_t count_lines(const std::string& text) {
    return 1 + static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string cards_text(const std::vector<kernel::Card>& cards) {
    std::string text;
    for (const kernel::Card& card : cards)
        text += (text.empty() ? "" : ", ") + card.interface;
    return text;
}

}  // namespace

milliseconds PolicyWatch::look(Clock::time_point now, spdlog::logger& log) {
    const Result<Found> found = read_();
    if (!found) {
        results_.policy_errors = 1;
        results_.last_succeeded = false;
        seen_.reset();
        handled_.reset();
        complain(found.error().message, log);
        return interval_;
    }
    const bool settled = seen_ == found->digest;
    seen_ = found->digest;
    const bool retry = retry_ && now >= *retry_;
    if (handled_ == found->digest && !retry) return interval_;
    if (!settled) return kSettle;
    push(*found, now, log);
    return interval_;
}

void PolicyWatch::push(const Found& found, Clock::time_point now, spdlog::logger& log) {
    handled_ = found.digest;
    retry_.reset();
    const Result<kernel::PushReport> report = push_(found.text);
    // A large policy takes hundreds of MiB while it is compiled, in pieces that malloc would keep.
    malloc_trim(0);
    if (!report) return refuse(report.error(), now, log);
    ++results_.ok;
    results_.last_succeeded = true;
    results_.policy_errors = 0;
    complaint_.clear();
    log.info("generation {} is in force on {}", report->generation, cards_text(report->cards));
    if (!report->warning.empty()) log.warn("warning: {}", report->warning);
    for (const kernel::Card& card : report->cards) {
        for (const std::string& line : show::card_warnings(card))
            log.warn("warning: {}", line);
    }
}

void PolicyWatch::refuse(const Error& error, Clock::time_point now, spdlog::logger& log) {
    const bool rejected = error.kind == ErrorKind::kPolicy;
    ++(rejected ? results_.rejected : results_.failed);
    results_.last_succeeded = false;
    results_.policy_errors = rejected ? count_lines(error.message) : 0;
    if (rejected) {
        complaint_.clear();  // a changed file is worth its own lines, also when they are the same
    } else {
        retry_ = now + kRetry;
    }
    complain(error.message, log);
}

void PolicyWatch::complain(const std::string& message, spdlog::logger& log) {
    if (message == complaint_) return;
    complaint_ = message;
    std::istringstream lines(message);
    for (std::string line; std::getline(lines, line);)
        log.error("{}", line);
    log.error("not pushed; what was in force stays in force");
}

}  // namespace edgefw::daemon
