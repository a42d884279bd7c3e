// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/split.h"

#include <algorithm>

namespace edgefw::image {
namespace {

// A large region's split is chosen by a sample: an even split of the sample is nearly one of all.
constexpr std::size_t kSample = 128;

std::uint64_t square(std::uint64_t x) {
    return x * x;
}

}  // namespace

std::optional<Split> Splitter::choose(const std::vector<std::uint32_t>& items, const Region& region) {
    const Best best = look(items, region);
    return best.middles.empty() ? std::nullopt : std::optional(best.split);
}

std::vector<Split> Splitter::halves(const std::vector<std::uint32_t>& items, const Region& region) {
    Best best = look(items, region);
    std::stable_sort(best.middles.begin(), best.middles.end(),
                     [](const Middle& a, const Middle& b) { return a.edges > b.edges; });
    std::vector<Split> splits;
    for (const Middle& middle : best.middles)
        splits.push_back(middle.split);
    return splits;
}

Splitter::Best Splitter::look(const std::vector<std::uint32_t>& items, const Region& region) {
    const std::size_t stride = items.size() / kSample;
    if (stride > 1) {
        Best best = look_at_every(stride, items, region);
        if (!best.middles.empty()) return best;
    }
    return look_at_every(1, items, region);
}

Splitter::Best Splitter::look_at_every(std::size_t stride, const std::vector<std::uint32_t>& items,
                                       const Region& region) {
    Best best;
    for (const unsigned field : boxes_.fields()) {
        const Interval bounds = region[field];
        const Interval first = boxes_.at(field, items[0]).within(bounds);
        bool differ = false;
        lows_.clear();
        highs_.clear();
        for (std::size_t i = 0; i < items.size(); i += stride) {
            const Interval interval = boxes_.at(field, items[i]).within(bounds);
            differ |= interval != first;
            lows_.push_back(interval.low);
            highs_.push_back(interval.high);
        }
        if (!differ) continue;
        std::sort(lows_.begin(), lows_.end());
        std::sort(highs_.begin(), highs_.end());
        try_field(field, bounds, best);
    }
    return best;
}

// Walks the values at which the upper part may begin: where a box begins, or just after one ends.
void Splitter::try_field(unsigned field, Interval bounds, Best& best) {
    edges_.clear();
    const std::size_t n = lows_.size();
    std::size_t begun = 0;  // boxes that begin below the upper part
    std::size_t ended = 0;  // boxes that end below it
    while (begun < n && lows_[begun] == bounds.low)
        ++begun;
    for (;;) {
        std::uint64_t upper = UINT64_MAX;
        if (begun < n) upper = lows_[begun];
        if (ended < n) upper = std::min(upper, std::uint64_t{highs_[ended]} + 1);
        if (upper > bounds.high) break;
        while (ended < n && highs_[ended] < upper)
            ++ended;
        const auto value = static_cast<std::uint32_t>(upper - 1);
        const bool parts = begun > 0 && ended < n;
        const std::uint64_t score = square(begun) + square(n - ended);
        if (parts) edges_.push_back(value);
        if (parts && score < best.score) {
            best.score = score;
            best.split = {field, value};
        }
        while (begun < n && lows_[begun] == upper)
            ++begun;
    }
    if (!edges_.empty()) best.middles.push_back({edges_.size(), {field, edges_[edges_.size() / 2]}});
}

}  // namespace edgefw::image
