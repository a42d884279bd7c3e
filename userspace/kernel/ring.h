// SPDX-License-Identifier: GPL-2.0-only
// The ring that a card records in (maps/record.h): made, read while it is written, and copied into one of another size.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "maps/record.h"
#include "userspace/base/result.h"
#include "userspace/kernel/map.h"

namespace edgefw::kernel {

// The pins of a ring and of its writers in the folder of their card.
std::string ring_pin(std::uint32_t number);
std::string recorders_pin(std::uint32_t number);

// Records of each processor in a ring of `bytes` for each, as long as all together are EDGEFW_RECORD_BYTES_MAX at most.
std::uint32_t ring_records(std::uint32_t bytes);

// `bytes` 0: a ring in which nothing has a place.
Result<Map> create_ring(std::uint32_t bytes);

// Records of each processor in `ring`.
std::uint32_t records_of(const Map& ring);

// Hands each record that is whole to `each`, with its index in the ring. One that is being written is left out.
Result<Ok> read_ring(const Map& ring, const std::function<void(std::uint32_t index, const edgefw_record&)>& each);

// Copies the records of `from`, the newest where not all have a place, and says to `recorders` where to go on. Nobody
// writes `to` yet.
Result<Ok> copy_ring(const Map& from, const Map& to, const Map& recorders);

}  // namespace edgefw::kernel
