// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/lines.h"

#include <unistd.h>

#include <cerrno>

namespace edgefw::cli {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

}  // namespace

bool Lines::fill() {
    buffer_.erase(0, begin_);
    begin_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kChunk);
    ssize_t count = 0;
    do {
        count = ::read(fd_, buffer_.data() + had, kChunk);
    } while (count < 0 && errno == EINTR);
    if (count < 0) error_ = errno;
    buffer_.resize(had + (count > 0 ? static_cast<std::size_t>(count) : 0));
    return count > 0;
}

std::optional<std::string_view> Lines::next() {
    std::size_t searched = begin_;
    std::size_t end = buffer_.find('\n', searched);
    while (end == std::string::npos) {
        searched = buffer_.size() - begin_;
        if (!fill()) break;
        end = buffer_.find('\n', searched);
    }
    if (end == std::string::npos && begin_ == buffer_.size()) return std::nullopt;
    const bool last = end == std::string::npos;
    const std::string_view line = std::string_view(buffer_).substr(begin_, last ? std::string::npos : end - begin_);
    begin_ = last ? buffer_.size() : end + 1;
    ++number_;
    return line;
}

}  // namespace edgefw::cli
