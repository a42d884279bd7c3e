// SPDX-License-Identifier: GPL-2.0-only
// Whether the memory that is there has room for tables, asked before they are made: the kernel would take it from
// everybody, and end processes.
#pragma once

#include <cstdint>

#include "userspace/base/memory.h"
#include "userspace/base/result.h"

namespace edgefw::kernel {

// Bytes that the kernel allocates at once for an LRU hash (kernel/bpf/hashtab.c): elements, each with a head, and
// buckets.
std::uint64_t lru_bytes(std::uint64_t key_size, std::uint64_t value_size, std::uint64_t entries);

// An eighth of what is there stays for the others. The error names both numbers.
Result<Ok> check_room(std::uint64_t needed, const Memory& there);

}  // namespace edgefw::kernel
