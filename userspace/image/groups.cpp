// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/groups.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace edgefw::image {
namespace {

constexpr std::size_t kNarrow = 32;  // of the edges, one in so many lies inside a narrow box at most

// By box: whether it is narrow in `field`.
std::vector<bool> narrow_in(const Boxes& boxes, unsigned field) {
    std::vector<std::uint32_t> edges;
    edges.reserve(boxes.size());
    for (std::uint32_t box = 0; box < boxes.size(); ++box)
        edges.push_back(boxes.at(field, box).low);
    std::sort(edges.begin(), edges.end());
    std::vector<bool> narrow(boxes.size());
    const Interval whole = everywhere()[field];
    for (std::uint32_t box = 0; box < boxes.size(); ++box) {
        const Interval interval = boxes.at(field, box);
        const auto first = std::lower_bound(edges.begin(), edges.end(), interval.low);
        const auto last = std::upper_bound(first, edges.end(), interval.high);
        narrow[box] = interval != whole && static_cast<std::size_t>(last - first) <= boxes.size() / kNarrow;
    }
    return narrow;
}

}  // namespace

std::vector<Items> groups_of(const Boxes& boxes, std::size_t most) {
    std::vector<std::vector<bool>> narrow;
    if (most > 1) {
        for (const unsigned field : boxes.fields())
            narrow.push_back(narrow_in(boxes, field));
    }
    Items left(boxes.size());
    std::iota(left.begin(), left.end(), 0);
    std::vector<Items> groups;
    while (groups.size() + 1 < most && !left.empty()) {
        std::size_t count = 0;
        const std::vector<bool>* widest = nullptr;
        for (const std::vector<bool>& field : narrow) {
            const auto here = static_cast<std::size_t>(
                std::count_if(left.begin(), left.end(), [&](std::uint32_t box) { return field[box]; }));
            if (here <= count) continue;
            count = here;
            widest = &field;
        }
        if (widest == nullptr) break;
        Items group;
        std::copy_if(left.begin(), left.end(), std::back_inserter(group),
                     [&](std::uint32_t box) { return (*widest)[box]; });
        std::erase_if(left, [&](std::uint32_t box) { return (*widest)[box]; });
        groups.push_back(std::move(group));
    }
    if (!left.empty()) groups.push_back(std::move(left));
    std::sort(groups.begin(), groups.end(), [](const Items& a, const Items& b) { return a.front() < b.front(); });
    return groups;
}

}  // namespace edgefw::image
