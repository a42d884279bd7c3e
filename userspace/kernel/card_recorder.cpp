// SPDX-License-Identifier: GPL-2.0-only
// The recorder among what is pinned of a card: a ring of another size, and what its buckets count.
#include <cstring>
#include <utility>

#include "userspace/kernel/card_state.h"
#include "userspace/kernel/ring.h"

namespace edgefw::kernel {

std::string ring_pin(std::uint32_t number) {
    return "drops_" + std::to_string(number);
}
std::string recorders_pin(std::uint32_t number) {
    return "drop_recorders_" + std::to_string(number);
}

Result<Ok> CardState::resize_ring(std::uint32_t bytes) {
    if (bytes == 0 || ring_records(bytes) == maps_.records()) return Ok{};
    auto ring = create_ring(bytes);
    if (!ring) return ring.error();
    auto recorders = create_map("drop_recorders");
    if (!recorders) return recorders.error();
    const std::pair<std::string, const Map*> pins[] = {{ring_pin(ring_ + 1), &*ring},
                                                       {recorders_pin(ring_ + 1), &*recorders}};
    for (const auto& [pin, map] : pins) {
        if (auto pinned = map->pin(directory_ + "/" + pin); !pinned) return pinned.error();
    }
    ring_++;
    older_ring_ = std::exchange(maps_.drops, std::move(*ring));
    older_recorders_ = std::exchange(maps_.drop_recorders, std::move(*recorders));
    return Ok{};
}

Result<Ok> CardState::bring_records() const {
    if (older_ring_.fd() < 0) return Ok{};
    return copy_ring(older_ring_, maps_.drops, maps_.drop_recorders);
}

Result<std::vector<std::uint64_t>> CardState::recorded() const {
    std::vector<std::uint64_t> sums(EDGEFW_REASON_COUNTERS);
    auto read =
        maps_.drop_buckets.read_all(EDGEFW_REASON_COUNTERS, [&](std::uint32_t index, const std::uint8_t* values) {
            for (int cpu = 0; cpu < cpus(); cpu++) {
                edgefw_record_bucket bucket = {};
                std::memcpy(&bucket, values + static_cast<std::size_t>(cpu) * sizeof(bucket), sizeof(bucket));
                sums[index] += bucket.recorded;
            }
        });
    if (!read) return read.error();
    return sums;
}

}  // namespace edgefw::kernel
