// SPDX-License-Identifier: GPL-2.0-only
// Cuts of a region into cells of equal size: one read of memory where splits take a level each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::image {

// 2^bits cells of 2^shift values each, from `low` on, which is a multiple of all of them together.
struct Cuts {
    unsigned field = 0;
    std::uint32_t low = 0;
    unsigned shift = 0;
    unsigned bits = 0;
    std::size_t copies = 0;  // boxes of all cells
    double saved = 0;        // levels, against a split

    std::uint32_t cells() const { return std::uint32_t{1} << bits; }
    // The cell of a value; outside of all cells it is cells() or more.
    std::uint32_t cell_of(std::uint32_t value) const { return (value - low) >> shift; }
    Interval cell(std::uint32_t number) const {
        return {low + (number << shift), low + (number << shift) + ((std::uint32_t{1} << shift) - 1)};
    }
};

// The node of maps/tree.h with these cuts, and the cuts of such a node (its field, too).
edgefw_node node_of(const Cuts& cuts, std::uint32_t first_child);
Cuts cuts_of(const edgefw_node& node);

// Chooses cuts. Keeps its scratch memory from one call to the next.
class Cutter {
public:
    explicit Cutter(const Boxes& boxes);

    // The cuts of the items' hull that save the most levels. None where splits do as well, or where the cells would
    // hold more than `most` boxes.
    std::optional<Cuts> choose(const Items& items, const Region& hull, std::size_t most);

private:
    void try_field(unsigned field, const Items& items, Interval hull, std::size_t most, std::optional<Cuts>& best);

    const Boxes& boxes_;
    std::vector<std::uint32_t> begun_;  // by cell: boxes that begin in it
    std::vector<std::uint32_t> ended_;  // and that end in it
    std::vector<double> n_log_n_;       // of small n
};

}  // namespace edgefw::image
