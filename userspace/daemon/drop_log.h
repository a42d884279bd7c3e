// SPDX-License-Identifier: GPL-2.0-only
// Writes what cards drop as JSON lines, for the journal or a SIEM: the records of the recorder (maps/record.h), each
// once, when its count is final.
#pragma once

#include <spdlog/logger.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::daemon {

class DropLog {
public:
    // What cards have recorded in the last so many milliseconds.
    using Look = std::function<Result<std::vector<kernel::CardDrops>>(std::uint64_t within)>;

    // `file`: it is appended to, and made for its owner alone where it is not there; -: standard output. `lines`: at
    // most so many a second. kFailed where it cannot be written, or is no regular file.
    static Result<DropLog> open(const std::string& file, std::size_t lines, Look look);

    // Writes what was recorded since the first call, as of `now`: milliseconds of a clock that nobody sets. To be
    // called about once a second. A line {"time", "left_out"} says how many there was no room for, or could not be
    // written. A file that was renamed is made anew.
    void look(std::uint64_t now, spdlog::logger& log);

private:
    DropLog(std::string file, std::size_t lines, Look look)
        : file_(std::move(file)), lines_(lines), look_(std::move(look)) {}
    Result<Ok> reopen();
    Result<Ok> write(const std::string& text);
    // The lines that are to be written of what was seen.
    std::vector<std::string> fresh(const std::vector<kernel::CardDrops>& cards, std::uint64_t now);

    std::string file_;
    std::size_t lines_;
    Look look_;
    Fd fd_;
    bool torn_ = false;                                     // the last line was not written whole
    std::size_t left_out_ = 0;                              // records without a line that no line tells of yet
    std::uint64_t began_ = 0;                               // 0: not yet
    std::uint64_t before_ = 0;                              // of the last look
    std::set<std::pair<std::string, std::uint64_t>> done_;  // card and key of those that were written lately
    std::string complaint_;                                 // logged last
};

}  // namespace edgefw::daemon
