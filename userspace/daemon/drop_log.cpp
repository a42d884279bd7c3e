// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/drop_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/base/wall_clock.h"
#include "userspace/show/drops.h"

namespace edgefw::daemon {
namespace {

constexpr std::uint64_t kFinal = 2000;  // milliseconds, then a record counts no further packet (config.record_window)
constexpr std::uint64_t kOverlap = 10000;  // milliseconds: ages are counted in ticks, and a look may be late

std::string line_of(const nlohmann::ordered_json& json) {
    // The name of a card may be any bytes.
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<DropLog> DropLog::open(const std::string& file, std::size_t lines, Look look) {
    DropLog log(file, lines, std::move(look));
    if (auto opened = log.reopen(); !opened) return opened.error();
    return log;
}

// Other people's packets are not for everybody. A pipe in the file's place would hold up who writes into it.
Result<Ok> DropLog::reopen() {
    if (file_ == "-") {
        fd_ = Fd::own(dup(STDOUT_FILENO));
        if (!fd_.valid()) return failed(std::string("cannot write to standard output: ") + std::strerror(errno));
        return Ok{};
    }
    fd_ = Fd::own(
        ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0600));
    if (!fd_.valid()) return failed("cannot write " + file_ + ": " + std::strerror(errno));
    struct stat made = {};
    if (fstat(fd_.get(), &made) == 0 && S_ISREG(made.st_mode)) return Ok{};
    fd_ = Fd();
    return failed("cannot write " + file_ + ": it is no regular file");
}

Result<Ok> DropLog::write(const std::string& text) {
    struct stat there = {}, open = {};
    const bool renamed = file_ != "-" && (lstat(file_.c_str(), &there) != 0 || fstat(fd_.get(), &open) != 0 ||
                                          there.st_ino != open.st_ino || there.st_dev != open.st_dev);
    if (renamed || !fd_.valid()) {
        torn_ = false;
        if (auto opened = reopen(); !opened) return opened;
    }
    const std::string all = (torn_ ? "\n" : "") + text;
    for (std::size_t at = 0; at < all.size();) {
        const ssize_t wrote = ::write(fd_.get(), all.data() + at, all.size() - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failed("cannot write " + file_ + ": " + std::strerror(errno));
        at += static_cast<std::size_t>(wrote);
        torn_ = all[at - 1] != '\n';
    }
    return Ok{};
}

std::vector<std::string> DropLog::fresh(const std::vector<kernel::CardDrops>& cards, std::uint64_t now) {
    std::vector<show::DropRow> rows;
    std::set<std::pair<std::string, std::uint64_t>> seen;
    for (const kernel::CardDrops& card : cards) {
        for (const kernel::Drop& drop : card.drops) {
            if (drop.is_shadow || drop.age < kFinal || drop.age + began_ > now) continue;
            const bool is_new = !done_.contains({drop.interface, drop.key});
            seen.emplace(drop.interface, drop.key);
            if (is_new) rows.push_back(show::row_of(drop));
        }
    }
    done_ = std::move(seen);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.newest.age > b.newest.age; });
    const std::size_t room = std::max<std::size_t>(lines_ * (now - before_) / 1000, lines_);
    if (rows.size() > room) {
        left_out_ += rows.size() - room;
        rows.resize(room);
    }
    std::vector<std::string> lines;
    for (const show::DropRow& row : rows)
        lines.push_back(line_of(show::drop_json(row)));
    return lines;
}

void DropLog::look(std::uint64_t now, spdlog::logger& log) {
    if (began_ == 0) {
        began_ = before_ = now;
        return;
    }
    // A look may be late by any time: nothing between this one and the last is missed.
    const auto cards = look_(now - before_ + kFinal + kOverlap);
    if (!cards) return;  // no card is attached, or it changes: the next look has it
    const std::vector<std::string> lines = fresh(*cards, now);
    before_ = now;
    Result<Ok> wrote = Ok{};
    for (std::size_t i = 0; i < lines.size() && wrote; i++) {
        wrote = write(lines[i]);
        if (!wrote) left_out_ += lines.size() - i;
    }
    if (wrote && left_out_ > 0) {
        wrote = write(line_of(show::left_out_json(wall_milliseconds(), left_out_)));
        if (wrote) left_out_ = 0;
    }
    const std::string complaint = wrote ? "" : wrote.error().message;
    if (!complaint.empty() && complaint != complaint_) log.error("{}; drops are not written", complaint);
    complaint_ = complaint;
}

}  // namespace edgefw::daemon
