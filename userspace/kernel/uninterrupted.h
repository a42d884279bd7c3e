// SPDX-License-Identifier: GPL-2.0-only
// While one lives, SIGINT, SIGTERM and SIGHUP wait: what lies between two hooks of a card is not left half done.
// Signals of the whole process wait only while it has no other thread that takes them.
#pragma once

#include <csignal>

namespace edgefw::kernel {

class Uninterrupted {
public:
    Uninterrupted() {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP})
            sigaddset(&set, signal);
        pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    Uninterrupted(const Uninterrupted&) = delete;
    Uninterrupted& operator=(const Uninterrupted&) = delete;
    ~Uninterrupted() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace edgefw::kernel
