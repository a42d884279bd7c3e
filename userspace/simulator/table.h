// SPDX-License-Identifier: GPL-2.0-only
// A BPF map in user space: arrays, hashes, LRU hashes and LPM tries, as the programs see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "userspace/simulator/data_path.h"

namespace edgefw::simulator {

// Values stay where they are until they are erased, and their memory is valid for as long as the table is: a program
// may hold one that it has erased. An LRU table that is full forgets the entry that was asked for longest ago. (The
// kernel's keeps count of that less closely.)
class Table {
public:
    // With room for `entries`, at least one. A per-CPU array has the value of one processor.
    static std::unique_ptr<Table> create(const simulated_map& map, std::size_t entries);
    virtual ~Table() = default;

    // As the helpers of the kernel. `update` returns 0 or a negative error, `erase` likewise.
    virtual void* find(const void* key) = 0;
    virtual long update(const void* key, const void* value, std::uint64_t flags) = 0;
    virtual long erase(const void* key) = 0;
    // Sets an array to zeros, empties the others.
    virtual void clear() = 0;
};

}  // namespace edgefw::simulator
