// SPDX-License-Identifier: GPL-2.0-only
// What a process that runs for long may keep of root.
#pragma once

#include "userspace/base/result.h"

namespace edgefw::kernel {

// Gives up every capability but CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, of this thread and of what it will start, for
// good; the user id stays (what is pinned is root's). Call it before any other thread is there: each has its own.
// A caller that lacks CAP_BPF or CAP_PERFMON keeps CAP_SYS_ADMIN, which stands for them.
// Behind it no program, map or link is found by its id, and files of other users are closed to root like to others.
Result<Ok> drop_privileges();

}  // namespace edgefw::kernel
