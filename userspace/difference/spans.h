// SPDX-License-Identifier: GPL-2.0-only
// Sets of numbers as intervals, and the space that packets of one kind are points of.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "userspace/base/address.h"

namespace edgefw::difference {

// Values low to high, both included.
struct Span {
    uint128 low = 0;
    uint128 high = 0;

    auto operator<=>(const Span&) const = default;
    bool covers(Span other) const { return low <= other.low && other.high <= high; }
    bool overlaps(Span other) const { return low <= other.high && other.low <= high; }
};

// Sorted, disjoint, and none touches the next.
using Spans = std::vector<Span>;

Spans merged(Spans spans);
Spans common(const Spans& a, const Spans& b);
Spans without(const Spans& a, const Spans& b);
bool overlaps(const Spans& spans, Span span);
bool covers(const Spans& spans, Span span);

// What tells packets of one protocol and one kind of message apart. Of a frame that is not IP the ethertype stands in
// place of the local port.
enum Axis : unsigned { kLocal, kRemote, kLocalPort, kRemotePort, kVlan, kAxes };

using Box = std::array<Span, kAxes>;

// Nothing on an axis: every value.
using Restrictions = std::array<const Spans*, kAxes>;

// Owns spans. Equal ones are one object, so that pointers compare as what they point to.
class Pool {
public:
    const Spans* keep(Spans spans);

private:
    std::deque<Spans> kept_;
    std::unordered_multimap<std::size_t, const Spans*> by_hash_;
};

}  // namespace edgefw::difference
