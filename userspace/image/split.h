// SPDX-License-Identifier: GPL-2.0-only
// Where to cut a region: the field and value that separate its boxes best.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::image {

struct Split {
    unsigned field = 0;
    std::uint32_t value = 0;  // the lower part's highest
};

// Chooses splits. Keeps its scratch memory from one call to the next.
class Splitter {
public:
    explicit Splitter(const Boxes& boxes) : boxes_(boxes) {}

    // The split of `region` with the least sum of squares of the boxes in each part: even parts, few copies. `items`
    // are boxes that overlap the region. None when they are alike in every field.
    std::optional<Split> choose(const std::vector<std::uint32_t>& items, const Region& region);

    // The splits that halve the edges of a field, of the field with the most first. They copy without mercy, but they
    // end soon: where boxes that all overlap would be peeled off one by one.
    std::vector<Split> halves(const std::vector<std::uint32_t>& items, const Region& region);

private:
    struct Middle {
        std::size_t edges = 0;
        Split split;
    };
    struct Best {
        std::uint64_t score = UINT64_MAX;
        Split split;
        std::vector<Middle> middles;  // of each field with an edge
    };
    Best look(const std::vector<std::uint32_t>& items, const Region& region);
    Best look_at_every(std::size_t stride, const std::vector<std::uint32_t>& items, const Region& region);
    void try_field(unsigned field, Interval bounds, Best& best);

    const Boxes& boxes_;
    std::vector<std::uint32_t> lows_;
    std::vector<std::uint32_t> highs_;
    std::vector<std::uint32_t> edges_;
};

}  // namespace edgefw::image
