// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/spans.h"

#include <algorithm>

namespace edgefw::difference {
namespace {

// The first of `spans` that does not end before `value`.
Spans::const_iterator at_or_behind(const Spans& spans, uint128 value) {
    if (spans.size() == 1) return spans.front().high < value ? spans.end() : spans.begin();
    return std::partition_point(spans.begin(), spans.end(), [value](const Span& span) { return span.high < value; });
}

std::size_t hash_of(const Spans& spans) {
    std::size_t hash = spans.size();
    const auto mix = [&hash](std::uint64_t word) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    };
    for (const Span& span : spans) {
        mix(static_cast<std::uint64_t>(span.low));
        mix(static_cast<std::uint64_t>(span.low >> 64));
        mix(static_cast<std::uint64_t>(span.high - span.low));
    }
    return hash;
}

}  // namespace

Spans merged(Spans spans) {
    std::sort(spans.begin(), spans.end());
    Spans result;
    for (const Span& span : spans) {
        const bool joins = !result.empty() && (span.low <= result.back().high || span.low - 1 == result.back().high);
        if (joins)
            result.back().high = std::max(result.back().high, span.high);
        else
            result.push_back(span);
    }
    return result;
}

Spans common(const Spans& a, const Spans& b) {
    Spans result;
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() && right != b.end()) {
        if (left->overlaps(*right))
            result.push_back({std::max(left->low, right->low), std::min(left->high, right->high)});
        (left->high < right->high ? left : right)++;
    }
    return result;
}

Spans without(const Spans& a, const Spans& b) {
    Spans result;
    auto taken = b.begin();
    for (Span rest : a) {
        bool is_left = true;
        while (taken != b.end() && taken->high < rest.low)
            ++taken;
        for (auto next = taken; is_left && next != b.end() && next->low <= rest.high; ++next) {
            if (next->low > rest.low) result.push_back({rest.low, next->low - 1});
            is_left = next->high < rest.high;
            if (is_left) rest.low = next->high + 1;
        }
        if (is_left) result.push_back(rest);
    }
    return result;
}

bool overlaps(const Spans& spans, Span span) {
    const auto found = at_or_behind(spans, span.low);
    return found != spans.end() && found->low <= span.high;
}

bool covers(const Spans& spans, Span span) {
    const auto found = at_or_behind(spans, span.low);
    return found != spans.end() && found->covers(span);
}

const Spans* Pool::keep(Spans spans) {
    const std::size_t hash = hash_of(spans);
    const auto [first, last] = by_hash_.equal_range(hash);
    for (auto known = first; known != last; ++known) {
        if (*known->second == spans) return known->second;
    }
    kept_.push_back(std::move(spans));
    by_hash_.emplace(hash, &kept_.back());
    return &kept_.back();
}

}  // namespace edgefw::difference
