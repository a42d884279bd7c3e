// SPDX-License-Identifier: GPL-2.0-only
// Standard output: buffered, and quiet when its reader has gone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "userspace/base/result.h"

namespace edgefw::cli {

class Output {
public:
    // Writes to `fd`, which stays its owner's. SIGPIPE must be ignored.
    explicit Output(int fd) : fd_(fd) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    void write(std::string_view text);
    // False when nothing more can be written: the caller may stop producing.
    bool flush();
    // Flushes. An error only when bytes were lost that somebody was there to read: a full disk, not a closed pipe.
    Result<Ok> finish();

    bool is_unused() const { return !used_; }  // nothing was written
    bool is_terminal() const;
    std::size_t width() const;  // of the terminal; without end where there is none, so that lines can be searched

private:
    int fd_;
    bool used_ = false;
    int error_ = 0;  // errno of the first write that failed
    std::string buffer_;
};

}  // namespace edgefw::cli
