// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/exporter.h"

#include <algorithm>

#include "userspace/show/hooks.h"

namespace edgefw::daemon {
namespace {

// The kernel tells nobody what its LRU recycles, so entries can only be counted by a walk. Counting a million takes a
// while: it may take a twentieth of the time, and until the next count the last one is told.
constexpr int kRestPerCount = 20;

// What was recycled is known from below only while connections come and go; a counter does not shrink.
void keep_growing(const std::vector<kernel::CardStatus>& before, std::vector<kernel::CardStatus>& now) {
    for (kernel::CardStatus& card : now) {
        for (const kernel::CardStatus& last : before) {
            // Attached anew, a card begins with nothing inserted.
            if (last.card.ifindex != card.card.ifindex || last.maps.size() != card.maps.size()) continue;
            for (std::size_t i = 0; i < card.maps.size(); ++i) {
                auto& turnover = card.maps[i].turnover;
                const auto& known = last.maps[i].turnover;
                if (turnover && known && known->inserted <= turnover->inserted)
                    turnover->recycled = std::max(turnover->recycled, known->recycled);
            }
        }
    }
}

}  // namespace

void Exporter::set_pushes(const PushResults& pushes) {
    const std::lock_guard lock(told_mutex_);
    pushes_ = pushes;
}

void Exporter::set_hosts(const std::map<std::string, daemon::HostState>& hosts) {
    const std::lock_guard lock(told_mutex_);
    hosts_.clear();
    for (const auto& [name, host] : hosts)
        hosts_.push_back(host);
}

std::vector<kernel::CardStatus> Exporter::occupancy() {
    const Clock::time_point begin = Clock::now();
    if (begin < next_count_) return occupancy_;
    Result<kernel::Status> status = machine_.status(true);
    const Clock::time_point end = Clock::now();
    next_count_ = end + (end - begin) * kRestPerCount;
    if (status) keep_growing(occupancy_, status->cards);
    occupancy_ = status ? std::move(status->cards) : std::vector<kernel::CardStatus>();
    return occupancy_;
}

Snapshot Exporter::snapshot() {
    Snapshot snapshot;
    snapshot.version = version_;
    {
        const std::lock_guard lock(told_mutex_);
        snapshot.pushes = pushes_;
        snapshot.hosts = hosts_;
    }
    if (machine_.closed) {
        if (auto closed = machine_.closed()) snapshot.closed = std::move(*closed);
    }
    if (machine_.hooked) {
        if (auto hooked = machine_.hooked()) snapshot.hooked = std::move(*hooked);
    }
    if (machine_.standing) {
        if (auto standing = machine_.standing()) snapshot.standing = *standing;
    }
    Result<std::vector<kernel::CardCounters>> cards = machine_.counters();
    std::string complaint;
    if (cards) {
        snapshot.cards = std::move(*cards);
        snapshot.status = occupancy();
    } else {
        snapshot.complete = false;
        complaint = cards.error().message;
    }
    if (!complaint.empty() && complaint != complaint_) log_.error("counters: {}", complaint);
    complaint_ = complaint;
    return snapshot;
}

std::shared_ptr<const Body> Exporter::metrics(Exported exported) {
    const std::lock_guard lock(mutex_);
    return render(snapshot(), exported);
}

Result<Ok> Exporter::health() {
    const Result<kernel::Status> status = machine_.status(false);
    if (!status) return status.error();
    if (!status->closed.empty())
        return failed(status->closed.front().interface + " is closed until its policy is in force");
    const std::vector<std::string> lost = show::loss_lines(status->hooked);
    if (!lost.empty()) return failed(lost.front());
    if (status->cards.empty()) return failed("no card is attached: run 'edgefw attach IFACE'");
    for (const kernel::CardStatus& card : status->cards) {
        if (!card.card.forerunners.empty()) return failed(show::forerunner_lines(card.card).front());
    }
    const std::lock_guard lock(told_mutex_);
    if (!pushes_) return Ok{};
    for (const kernel::CardStatus& card : status->cards) {
        if (card.card.generation == 0) {
            return failed("no policy is in force on " + card.card.interface + ", see the log of edgefw serve");
        }
    }
    return Ok{};
}

}  // namespace edgefw::daemon
