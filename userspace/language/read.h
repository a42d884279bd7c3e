// SPDX-License-Identifier: GPL-2.0-only
// read: file -> text.
#pragma once

#include <cstddef>
#include <string>

#include "userspace/base/result.h"

namespace edgefw::policy {

inline constexpr std::size_t kMaxPolicyBytes = 256u << 20;  // a million rules written out

// The whole file; "-" is standard input. Fails (kFailed) when it cannot be read or is larger than kMaxPolicyBytes.
Result<std::string> read(const std::string& file);

// Likewise of a regular file alone, for who may not be kept waiting: the writer of a FIFO may never come.
// Fails above `limit` bytes, which are whole MiB.
Result<std::string> read_regular(const std::string& file, std::size_t limit = kMaxPolicyBytes);

}  // namespace edgefw::policy
