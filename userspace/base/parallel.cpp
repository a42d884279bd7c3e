// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace edgefw {

void in_parallel(std::size_t count, const std::function<void(std::size_t)>& task) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++)
            task(i);
    };
    // With both policies a thread that cannot be made is none: its work is done by whoever asks for its result.
    constexpr auto kAnyhow = std::launch::async | std::launch::deferred;
    std::vector<std::future<void>> helpers;
    const std::size_t threads = std::min<std::size_t>(count, std::thread::hardware_concurrency());
    for (std::size_t i = 1; i < threads; ++i)
        helpers.push_back(std::async(kAnyhow, work));
    work();
    for (std::future<void>& helper : helpers)
        helper.get();
}

}  // namespace edgefw
