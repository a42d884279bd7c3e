// SPDX-License-Identifier: GPL-2.0-only
// Packets that cards have recorded, judged again: what `drops` and `push --dry-run` share.
#pragma once

#include "userspace/base/result.h"
#include "userspace/kernel/door.h"
#include "userspace/show/drops.h"

namespace edgefw::cli {

// What `judge` would do with a packet of the row, of no connection. It does not pass where it cannot be asked: the
// frame is of no kind that a test run takes.
show::WouldPass judge_again(kernel::Judge& judge, const show::DropRow& row);

}  // namespace edgefw::cli
