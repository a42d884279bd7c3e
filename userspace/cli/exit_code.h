// SPDX-License-Identifier: GPL-2.0-only
// The exit codes of docs/commands.md.
#pragma once

#include "userspace/base/result.h"

namespace edgefw::cli {

inline constexpr int kDone = 0;
inline constexpr int kDiffer = 6;  // of --exit-code alone: the command did what it was asked for

inline int exit_code(ErrorKind kind) {
    return static_cast<int>(kind);
}

}  // namespace edgefw::cli
