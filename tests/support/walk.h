// SPDX-License-Identifier: GPL-2.0-only
// The classification of maps/tree.h in C++: what the data path does with an image, without a kernel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "userspace/image/image.h"
#include "userspace/packet/notation.h"

namespace edgefw::test {

// The values of a packet, by enum edgefw_field.
using Fields = std::array<std::uint32_t, EDGEFW_FIELDS>;

Fields fields_of(const image::Image& image, const packet::Packet& packet);

struct Walk {
    std::optional<std::uint32_t> rule;  // number of the first rule that matches
    std::uint32_t outcome = 0;          // of the match
    std::uint32_t levels = 0;           // nodes gone through, sum over groups
    std::uint32_t steps = 0;            // elements of runs looked at
    std::uint32_t longest_run = 0;      // most elements looked at in one leaf
};

Walk walk(const image::Image& image, const edgefw_forest& forest, const Fields& fields);

// Through the forest that `packet` belongs to.
Walk walk(const image::Image& image, const packet::Packet& packet);

}  // namespace edgefw::test
