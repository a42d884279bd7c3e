// SPDX-License-Identifier: GPL-2.0-only
// Rules as geometry: a box is an interval in every field of maps/tree.h, a rule is one box or several.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "maps/tree.h"

namespace edgefw::image {

// Values low to high of a field, both included.
struct Interval {
    std::uint32_t low = 0;
    std::uint32_t high = 0;

    auto operator<=>(const Interval&) const = default;
    bool covers(Interval other) const { return low <= other.low && other.high <= high; }
    // What is left of it inside `other`, which it overlaps.
    Interval within(Interval other) const {
        return {low > other.low ? low : other.low, high < other.high ? high : other.high};
    }
};

using Region = std::array<Interval, EDGEFW_FIELDS>;

// Every value a packet can have.
Region everywhere();

// What a rule asks of the TCP flags; no interval says it. The same for all boxes of the rule.
struct FlagTests {
    std::uint8_t mask = 0;  // (flags & mask) == value
    std::uint8_t value = 0;
    std::uint8_t any_of = 0;  // (flags & any_of) != 0, unless 0

    bool operator==(const FlagTests&) const = default;
    bool none() const { return mask == 0 && any_of == 0; }
};

// What a match means, by rule number.
struct Ending {
    std::uint32_t outcome = 0;  // EDGEFW_OUTCOME_*, with the rule's number as slot
    FlagTests flags;
};

// The boxes of one forest in order of rule number, column by column: only the fields that some box restricts take room.
class Boxes {
public:
    // `rule` is at least that of the box before it.
    void add(std::uint32_t rule, const Region& box);

    std::uint32_t size() const { return static_cast<std::uint32_t>(rules_.size()); }
    std::uint32_t rule(std::uint32_t box) const { return rules_[box]; }
    // The fields that some box restricts, in the order in which a leaf tests them.
    const std::vector<unsigned>& fields() const { return fields_; }
    bool restricts(unsigned field) const { return !columns_[field].empty(); }
    // `field` is one of fields().
    Interval at(unsigned field, std::uint32_t box) const { return columns_[field][box]; }

private:
    void open_column(unsigned field);

    std::vector<std::uint32_t> rules_;
    std::vector<unsigned> fields_;
    std::array<std::vector<Interval>, EDGEFW_FIELDS> columns_;
};

// Boxes, in order of rule number.
using Items = std::vector<std::uint32_t>;

// What a forest is grown from. Endings are indexed by rule number; one behind the last rule belongs to none.
struct Seed {
    const Boxes& boxes;
    const std::vector<Ending>& endings;

    const FlagTests& flags(std::uint32_t box) const { return endings[boxes.rule(box)].flags; }
    // What the box asks of the flags in `region`: nothing where the region has one value of them, which prune() judges.
    FlagTests flags_left(std::uint32_t box, const Region& region) const {
        const Interval detail = region[EDGEFW_FIELD_DETAIL];
        return detail.low == detail.high ? FlagTests{} : flags(box);
    }
};

}  // namespace edgefw::image
