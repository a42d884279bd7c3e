// SPDX-License-Identifier: GPL-2.0-only
// Cards that are kept down: nothing else keeps packets from them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "userspace/base/result.h"

namespace edgefw::kernel {

// Sets a card down, and down again whenever somebody sets it up, whatever name it has by then: in a thread of its own,
// for as long as this lives, and with it the process. The card is left down.
class Down {
public:
    static Result<std::unique_ptr<Down>> hold(const std::string& interface);
    ~Down();
    Down(const Down&) = delete;
    Down& operator=(const Down&) = delete;

    // Gives the card back: up where it was up, or somebody wanted it to be.
    Result<Ok> release();

private:
    explicit Down(int ifindex) : ifindex_(ifindex) {}
    void stop();

    const int ifindex_;
    std::atomic<bool> is_wanted_ = false;
    std::atomic<bool> is_over_ = false;
    std::thread holder_;
};

}  // namespace edgefw::kernel
