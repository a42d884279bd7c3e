// SPDX-License-Identifier: GPL-2.0-only
// Groups: boxes that one tree can part without many copies.
#pragma once

#include <cstddef>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::image {

// Parts the boxes into at most `most` groups, in order of their first box.
//
// A box is narrow in a field where few edges of other boxes lie within it. The field in which most boxes are narrow
// makes the first group, the field in which most of the others are makes the next; what is left is the last group.
std::vector<Items> groups_of(const Boxes& boxes, std::size_t most);

}  // namespace edgefw::image
