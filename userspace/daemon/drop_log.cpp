// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/drop_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/show/drops.h"

namespace edgefw::daemon {
namespace {

constexpr std::uint64_t kFinal = 2000;  // milliseconds, then a record counts no further packet (config.record_window)
constexpr std::uint64_t kOverlap = 10000;  // milliseconds: clocks are compared to a tick, and a look may be late

}  // namespace

Result<DropLog> DropLog::open(const std::string& file, std::size_t lines, Look look) {
    DropLog log(file, lines, std::move(look));
    if (auto opened = log.reopen(); !opened) return opened.error();
    return log;
}

// Other people's packets are not for everybody.
Result<Ok> DropLog::reopen() {
    if (file_ == "-") {
        fd_ = Fd::own(dup(STDOUT_FILENO));
    } else {
        fd_ = Fd::own(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    }
    if (!fd_.valid()) return failed("cannot write " + file_ + ": " + std::strerror(errno));
    return Ok{};
}

Result<Ok> DropLog::write(const std::string& text) {
    struct stat there = {}, open = {};
    const bool renamed = file_ != "-" && (stat(file_.c_str(), &there) != 0 || fstat(fd_.get(), &open) != 0 ||
                                          there.st_ino != open.st_ino || there.st_dev != open.st_dev);
    if (renamed || !fd_.valid()) {
        if (auto opened = reopen(); !opened) return opened;
    }
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t wrote = ::write(fd_.get(), text.data() + at, text.size() - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed("cannot write " + file_ + ": " + std::strerror(errno));
        at += static_cast<std::size_t>(wrote);
    }
    return Ok{};
}

std::string DropLog::fresh(const std::vector<kernel::CardDrops>& cards, std::uint64_t now) {
    std::vector<show::DropRow> rows;
    std::set<std::pair<std::string, std::uint64_t>> seen;
    for (const kernel::CardDrops& card : cards) {
        for (const kernel::Drop& drop : card.drops) {
            if (drop.is_shadow || drop.time + kFinal > now || drop.time < began_) continue;
            const bool is_new = !done_.contains({drop.interface, drop.key});
            seen.emplace(drop.interface, drop.key);
            if (is_new) rows.push_back(show::row_of(drop));
        }
    }
    done_ = std::move(seen);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.newest.time < b.newest.time; });
    const std::uint64_t passed = now > before_ ? now - before_ : 0;
    const std::size_t room = std::max<std::size_t>(lines_ * passed / 1000, lines_);
    const std::size_t left_out = rows.size() > room ? rows.size() - room : 0;
    rows.resize(rows.size() - left_out);
    std::string text;
    for (const show::DropRow& row : rows)
        text += show::drop_json(row).dump() + "\n";
    if (left_out > 0) text += show::left_out_json(now, left_out).dump() + "\n";
    return text;
}

void DropLog::look(std::uint64_t now, spdlog::logger& log) {
    if (began_ == 0) {
        began_ = before_ = now;
        return;
    }
    // A look may be late by any time: nothing between this one and the last is missed.
    const auto cards = look_(std::min(before_, now) - kFinal - kOverlap);
    if (!cards) return;  // no card is attached, or it changes: the next look has it
    const std::string text = fresh(*cards, now);
    before_ = now;
    std::string complaint;
    if (!text.empty()) {
        if (auto wrote = write(text); !wrote) complaint = wrote.error().message;
    }
    if (!complaint.empty() && complaint != complaint_) log.error("{}; drops are not written", complaint);
    complaint_ = std::move(complaint);
}

}  // namespace edgefw::daemon
