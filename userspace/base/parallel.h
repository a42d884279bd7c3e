// SPDX-License-Identifier: GPL-2.0-only
// Work that several processors do at once.
#pragma once

#include <cstddef>
#include <functional>

namespace edgefw {

// Calls task(0) to task(count - 1), each once, in no order and several at the same time, and returns when all are done.
// Where the system gives no threads the caller's one does it all. What a task throws is thrown here.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& task);

}  // namespace edgefw
