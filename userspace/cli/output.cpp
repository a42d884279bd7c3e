// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/base/terminal.h"

namespace edgefw::cli {
namespace {

constexpr std::size_t kFlushAt = 64 * 1024;
constexpr std::size_t kWidth = 80;
constexpr std::size_t kNarrowest = 40;  // below it columns make no sense

}  // namespace

void Output::write(std::string_view text) {
    used_ = true;
    buffer_ += for_terminal(text);
    if (buffer_.size() >= kFlushAt) flush();
}

bool Output::flush() {
    std::string_view rest = buffer_;
    while (!rest.empty() && error_ == 0) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    buffer_.clear();
    return error_ == 0;
}

Result<Ok> Output::finish() {
    if (flush() || error_ == EPIPE) return Ok{};
    return failed(std::string("cannot write to standard output: ") + std::strerror(error_));
}

bool Output::is_terminal() const {
    return isatty(fd_) != 0;
}

std::size_t Output::width() const {
    if (!is_terminal()) return SIZE_MAX;
    winsize size{};
    if (ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidth;
    return std::max<std::size_t>(size.ws_col, kNarrowest);
}

}  // namespace edgefw::cli
