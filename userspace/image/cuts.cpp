// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/cuts.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "maps/tree.h"

namespace edgefw::image {
namespace {

constexpr unsigned kMostBits = EDGEFW_CUTS_BITS_MASK;
constexpr unsigned kFewestBits = 2;
constexpr std::size_t kFewest = 8;       // boxes: below, splits do
constexpr std::size_t kCellsPerBox = 4;  // what a box may take of the array of nodes
constexpr double kLeastSaved = 1.5;      // levels: a step over cuts takes a little longer than one over a split
constexpr double kCopiesWeigh = 2.0;     // levels that twice the boxes are worth
constexpr std::size_t kTable = 4096;

double n_log_n(std::size_t n) {
    return n < 2 ? 0 : static_cast<double>(n) * std::log2(static_cast<double>(n));
}

// Bits of the smallest aligned block that holds `interval`.
unsigned width_of(Interval interval) {
    const auto width = static_cast<unsigned>(std::bit_width(interval.low ^ interval.high));
    return std::max<unsigned>(width, EDGEFW_CUTS_WIDTH_MIN);
}

// Halves the number of cells.
void join_pairs(std::vector<std::uint32_t>& cells) {
    for (std::size_t i = 0; i < cells.size() / 2; ++i)
        cells[i] = cells[2 * i] + cells[2 * i + 1];
    cells.resize(cells.size() / 2);
}

}  // namespace

edgefw_node node_of(const Cuts& cuts, std::uint32_t first_child) {
    return {cuts.low | cuts.shift << EDGEFW_CUTS_SHIFT_SHIFT | cuts.bits,
            (cuts.field | EDGEFW_NODE_CUTS) << EDGEFW_NODE_FIELD_SHIFT | first_child};
}

Cuts cuts_of(const edgefw_node& node) {
    Cuts cuts;
    cuts.field = node.link >> EDGEFW_NODE_FIELD_SHIFT & (EDGEFW_FIELDS - 1);
    cuts.low = node.split & EDGEFW_CUTS_LOW_MASK;
    cuts.shift = node.split >> EDGEFW_CUTS_SHIFT_SHIFT & EDGEFW_CUTS_SHIFT_MASK;
    cuts.bits = node.split & EDGEFW_CUTS_BITS_MASK;
    return cuts;
}

Cutter::Cutter(const Boxes& boxes) : boxes_(boxes) {
    for (std::size_t n = 0; n < kTable; ++n)
        n_log_n_.push_back(n_log_n(n));
}

std::optional<Cuts> Cutter::choose(const Items& items, const Region& hull, std::size_t most) {
    std::optional<Cuts> best;
    if (items.size() < kFewest) return best;
    for (const unsigned field : boxes_.fields())
        try_field(field, items, hull[field], most, best);
    return best;
}

// Counts the boxes of each of the finest cells, then of each pair of cells, and so on.
void Cutter::try_field(unsigned field, const Items& items, Interval hull, std::size_t most, std::optional<Cuts>& best) {
    const unsigned width = width_of(hull);
    const auto affordable = static_cast<unsigned>(std::bit_width(items.size() * kCellsPerBox)) - 1;
    Cuts cuts;
    cuts.field = field;
    cuts.bits = std::min({width, affordable, kMostBits});
    cuts.shift = width - cuts.bits;
    cuts.low = width == 32 ? 0 : hull.low >> width << width;
    begun_.assign(cuts.cells(), 0);
    ended_.assign(cuts.cells(), 0);
    for (const std::uint32_t box : items) {
        const Interval interval = boxes_.at(field, box).within(hull);
        ++begun_[cuts.cell_of(interval.low)];
        ++ended_[cuts.cell_of(interval.high)];
    }
    const auto boxes = static_cast<double>(items.size());
    for (; cuts.bits >= kFewestBits; --cuts.bits, ++cuts.shift) {
        std::size_t inside = 0;  // boxes that reach into the cell from below
        double rest = 0;
        cuts.copies = 0;
        for (std::uint32_t cell = 0; cell < cuts.cells(); ++cell) {
            const std::size_t here = inside + begun_[cell];
            rest += here < kTable ? n_log_n_[here] : n_log_n(here);
            cuts.copies += here;
            inside = here - ended_[cell];
        }
        const double copies = static_cast<double>(cuts.copies) / boxes;
        cuts.saved = std::log2(boxes) - rest / static_cast<double>(cuts.copies) - kCopiesWeigh * std::log2(copies);
        const double least = best ? best->saved : kLeastSaved;
        if (cuts.copies <= most && cuts.saved > least) best = cuts;
        join_pairs(begun_);
        join_pairs(ended_);
    }
}

}  // namespace edgefw::image
