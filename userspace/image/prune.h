// SPDX-License-Identifier: GPL-2.0-only
// prune: boxes of a region -> those that may match first in it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::image {

// Drops what can not match in a region: boxes whose flags are not the region's, and boxes that earlier ones hide.
//
// Boxes are measured against their hull, the smallest region that holds all of them: where all ask for TCP, one that
// asks for TCP alone fills the hull, though not the region.
class Pruner {
public:
    explicit Pruner(const Seed& seed) : seed_(seed) {}

    // Afterwards hull() is that of what is left. Every hidden box goes whose hiding one pass can see; where few boxes
    // are left, they are compared pair by pair.
    void prune(Items& items, const Region& region);

    // For boxes that nothing parts: compares all pairs.
    void prune_pairs(Items& items, const Region& region) const;

    // In fields that no box restricts it is the region.
    const Region& hull() const { return hull_; }

private:
    // Intervals of one field in which every packet of the hull meets a box already seen.
    class Covered {
    public:
        void clear() { count_ = 0; }
        bool covers(Interval interval) const;
        void add(Interval interval);

    private:
        static constexpr std::size_t kMost = 4;
        std::array<Interval, kMost> intervals_;
        std::size_t count_ = 0;
    };

    void drop_other_flags(Items& items, const Region& region) const;
    void measure(const Items& items, const Region& region);
    bool is_hidden(std::uint32_t box, const Region& region);
    bool hides(std::uint32_t earlier, std::uint32_t later, const Region& region) const;

    const Seed& seed_;
    Region hull_ = everywhere();
    std::array<Covered, EDGEFW_FIELDS> covered_;
    bool filled_ = false;  // a box seen covers the whole hull
};

}  // namespace edgefw::image
