// SPDX-License-Identifier: GPL-2.0-only
// What the data path does with an image and a packet, without a kernel.
#pragma once

#include <cstdint>

#include "userspace/image/image.h"
#include "userspace/image/walk.h"
#include "userspace/packet/notation.h"

namespace edgefw::test {

using image::Fields;
using image::Walk;

Fields fields_of(const image::Image& image, const packet::Packet& packet);

// Through the forest that `packet` belongs to.
Walk walk(const image::Image& image, const packet::Packet& packet);

}  // namespace edgefw::test
