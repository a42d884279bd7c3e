// SPDX-License-Identifier: GPL-2.0-only
// A file descriptor with one owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace edgefw {

class Fd {
public:
    Fd() = default;
    // Takes ownership of `fd`; a negative one is "none".
    static Fd own(int fd) {
        Fd owner;
        owner.fd_ = fd;
        return owner;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, kNone)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, kNone);
        }
        return *this;
    }
    ~Fd() { reset(); }

    bool valid() const { return fd_ >= 0; }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, kNone); }
    void reset() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = kNone;
    }

private:
    static constexpr int kNone = -1;
    int fd_ = kNone;
};

}  // namespace edgefw
