#include "userspace/observe/exporter.h"

namespace edgefw::observe {
namespace {

// Counting a million connections takes a while: it may take a twentieth of the time.
constexpr int kRestPerCount = 20;

}  // namespace

void Exporter::set_pushes(const PushResults& pushes) {
    const std::lock_guard lock(mutex_);
    pushes_ = pushes;
}

void Exporter::set_hosts(const std::map<std::string, names::HostState>& hosts) {
    const std::lock_guard lock(mutex_);
    hosts_.clear();
    for (const auto& [name, host] : hosts)
        hosts_.push_back(host);
}

std::vector<kernel::CardStatus> Exporter::occupancy() {
    const Clock::time_point begin = Clock::now();
    if (begin < next_count_) return occupancy_;
    Result<kernel::Status> status = host_.status(true);
    const Clock::time_point end = Clock::now();
    next_count_ = end + (end - begin) * kRestPerCount;
    occupancy_ = status ? std::move(status->cards) : std::vector<kernel::CardStatus>();
    return occupancy_;
}

Snapshot Exporter::snapshot() {
    Snapshot snapshot;
    snapshot.version = version_;
    snapshot.pushes = pushes_;
    snapshot.hosts = hosts_;
    Result<std::vector<kernel::CardCounters>> cards = host_.counters();
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

Result<std::string> Exporter::metrics() {
    const std::lock_guard lock(mutex_);
    return metrics_.render(snapshot());
}

Result<Ok> Exporter::health() {
    const Result<kernel::Status> status = host_.status(false);
    if (!status) return status.error();
    if (status->cards.empty()) return failed("no card is attached: run 'edgefw attach IFACE'");
    const std::lock_guard lock(mutex_);
    if (!pushes_) return Ok{};
    for (const kernel::CardStatus& card : status->cards) {
        if (card.card.generation == 0) {
            return failed("no policy is in force on " + card.card.interface + ", see the log of edgefw serve");
        }
    }
    return Ok{};
}

}  // namespace edgefw::observe
