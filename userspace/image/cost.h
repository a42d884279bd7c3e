// SPDX-License-Identifier: GPL-2.0-only
// What a search costs, before any packet is judged.
#pragma once

#include <cstdint>
#include <span>

#include "userspace/image/boxes.h"
#include "userspace/image/walk.h"

namespace edgefw::image {

// Nanoseconds of one part of a search: figures that give what `make bench` measured of 10,000 rules in each of twelve
// shapes, 4,096 packets in turn ("the search alone"), to within a tenth. With 100,000 rules, which no cache near by
// holds, a search takes 1.6 times as long. Other machines differ. They are good to compare trees, and to warn of one
// that is ten times slower.
inline constexpr double kGroupNanoseconds = 10;
inline constexpr double kLevelNanoseconds = 6;
inline constexpr double kStepNanoseconds = 4;

// The mean over packets that the boxes themselves suggest: one inside each of up to 512 boxes, the same ones each time.
double mean_cost(std::span<const edgefw_node> nodes, std::span<const edgefw_insn> insns, const edgefw_forest& forest,
                 const Boxes& boxes);

// The most elements of a run that a packet can look at.
std::uint32_t longest_path(std::span<const edgefw_insn> run);

}  // namespace edgefw::image
