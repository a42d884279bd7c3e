// SPDX-License-Identifier: GPL-2.0-only
// Lines of a file descriptor, as they come.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace edgefw::cli {

class Lines {
public:
    explicit Lines(int fd) : fd_(fd) {}

    // The next line without its end, valid until the next call; nothing at the end of the file.
    std::optional<std::string_view> next();
    // How many lines next() has returned.
    std::size_t number() const { return number_; }
    // Whether next() can answer without waiting for input: until then output may stay in its buffer.
    bool has_line() const { return buffer_.find('\n', begin_) != std::string::npos; }
    // errno of a read that failed; 0: none did.
    int error() const { return error_; }

private:
    bool fill();

    int fd_;
    int error_ = 0;
    std::string buffer_;
    std::size_t begin_ = 0;
    std::size_t number_ = 0;
};

}  // namespace edgefw::cli
