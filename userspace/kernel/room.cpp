// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/room.h"

#include <bit>

namespace edgefw::kernel {

std::uint64_t lru_bytes(std::uint64_t key_size, std::uint64_t value_size, std::uint64_t entries) {
    constexpr std::uint64_t kHead = 48, kBucket = 16, kAlignment = 8;
    const auto aligned = [](std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; };
    return entries * (kHead + aligned(key_size) + aligned(value_size)) + std::bit_ceil(entries) * kBucket;
}

Result<Ok> check_room(std::uint64_t needed, const Memory& there) {
    constexpr std::uint64_t kLeft = 8;
    if (needed <= there.bytes - there.bytes / kLeft) return Ok{};
    return failed("the tables of connections take " + memory_text(needed) +
                  " on each card, and of the memory that is there (" + memory_text(there.bytes) + " by " + there.limit +
                  ") an eighth stays free; lower `connections:` of the policy, or --connections");
}

}  // namespace edgefw::kernel
