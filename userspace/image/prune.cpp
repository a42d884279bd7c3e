// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/prune.h"

#include <algorithm>
#include <bit>

namespace edgefw::image {
namespace {

constexpr std::uint32_t kAllFlags = 0xff;
constexpr std::size_t kCompared = 16;  // boxes that are compared pair by pair

// Whether some value of the detail field that is within `values` passes the tests, as far as the bits tell that all of
// these have in common.
bool may_pass(const FlagTests& tests, Interval values) {
    if (tests.none()) return true;
    if (values.low > kAllFlags) return false;
    if (values.high > kAllFlags) return true;
    const std::uint32_t common = ~(std::bit_ceil((values.low ^ values.high) + 1) - 1);
    if (((values.low ^ tests.value) & tests.mask & common) != 0) return false;
    const std::uint32_t others = tests.any_of & ~common;
    return tests.any_of == 0 || others != 0 || (values.low & tests.any_of) != 0;
}

}  // namespace

bool Pruner::Covered::covers(Interval interval) const {
    return std::any_of(intervals_.begin(), intervals_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [&](Interval known) { return known.covers(interval); });
}

// Joins what touches. Where there is no room for another interval, the smallest one is forgotten.
void Pruner::Covered::add(Interval interval) {
    for (std::size_t i = 0; i < count_;) {
        const Interval known = intervals_[i];
        const bool apart = (interval.high < known.low && known.low - interval.high > 1) ||
                           (known.high < interval.low && interval.low - known.high > 1);
        if (apart) {
            ++i;
            continue;
        }
        interval = {std::min(interval.low, known.low), std::max(interval.high, known.high)};
        intervals_[i] = intervals_[--count_];
    }
    if (count_ < kMost) {
        intervals_[count_++] = interval;
        return;
    }
    const auto smallest = std::min_element(intervals_.begin(), intervals_.end(),
                                           [](Interval a, Interval b) { return a.high - a.low < b.high - b.low; });
    if (smallest->high - smallest->low < interval.high - interval.low) *smallest = interval;
}

void Pruner::prune(Items& items, const Region& region) {
    drop_other_flags(items, region);
    measure(items, region);
    for (Covered& covered : covered_)
        covered.clear();
    filled_ = false;
    const std::size_t before = items.size();
    std::erase_if(items, [&](std::uint32_t box) { return is_hidden(box, region); });
    if (items.size() <= kCompared) prune_pairs(items, region);
    if (items.size() != before) measure(items, region);
}

void Pruner::drop_other_flags(Items& items, const Region& region) const {
    const Interval detail = region[EDGEFW_FIELD_DETAIL];
    if (detail.low == 0 && detail.high > kAllFlags) return;
    std::erase_if(items, [&](std::uint32_t box) { return !may_pass(seed_.flags(box), detail); });
}

void Pruner::measure(const Items& items, const Region& region) {
    hull_ = region;
    if (items.empty()) return;
    for (const unsigned field : seed_.boxes.fields()) {
        const Interval bounds = region[field];
        Interval hull = {UINT32_MAX, 0};
        for (const std::uint32_t box : items) {
            const Interval interval = seed_.boxes.at(field, box);
            hull.low = std::min(hull.low, interval.low);
            hull.high = std::max(hull.high, interval.high);
            if (hull.covers(bounds)) break;
        }
        hull_[field] = hull.within(bounds);
    }
}

// Notes what `box` hides of those behind it.
bool Pruner::is_hidden(std::uint32_t box, const Region& region) {
    if (filled_) return true;
    unsigned open_fields = 0;
    unsigned open = 0;  // the last field in which it does not cover the hull
    for (const unsigned field : seed_.boxes.fields()) {
        const Interval interval = seed_.boxes.at(field, box).within(hull_[field]);
        if (interval.covers(hull_[field])) continue;
        if (covered_[field].covers(interval)) return true;
        ++open_fields;
        open = field;
    }
    if (open_fields > 1 || !seed_.flags_left(box, region).none()) return false;
    if (open_fields == 1) covered_[open].add(seed_.boxes.at(open, box).within(hull_[open]));
    filled_ = open_fields == 0 || covered_[open].covers(hull_[open]);
    return false;
}

void Pruner::prune_pairs(Items& items, const Region& region) const {
    std::size_t kept = 0;
    for (const std::uint32_t box : items) {
        const bool hidden = std::any_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(kept),
                                        [&](std::uint32_t earlier) { return hides(earlier, box, region); });
        if (!hidden) items[kept++] = box;
    }
    items.resize(kept);
}

bool Pruner::hides(std::uint32_t earlier, std::uint32_t later, const Region& region) const {
    const FlagTests flags = seed_.flags_left(earlier, region);
    if (!flags.none() && flags != seed_.flags_left(later, region)) return false;
    const std::vector<unsigned>& fields = seed_.boxes.fields();
    return std::all_of(fields.begin(), fields.end(), [&](unsigned field) {
        const Interval inside = seed_.boxes.at(field, later).within(region[field]);
        return seed_.boxes.at(field, earlier).covers(inside);
    });
}

}  // namespace edgefw::image
