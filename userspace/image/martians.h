// SPDX-License-Identifier: GPL-2.0-only
// Sources that no packet from outside can have, beside the fixed ones of bpf/flow/martian.h: the host's own addresses
// and the networks of its internal cards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/image/image.h"

namespace edgefw::image {

// What a card of the host faces. A VLAN faces what the card below it does, a bridge or bond what its ports do.
enum class Faces : std::uint8_t { kOutside, kInside, kNeither };

struct OwnAddress {
    Address address;
    Prefix network;  // of which it is the address; of a point-to-point card that of the other end
    Faces faces = Faces::kNeither;
};

// The shortest first; none holds another. Link-local addresses are left out, which every link has its own of; and so
// are networks that what is outside has a part in, and those of length 0.
std::vector<Prefix> martians_of(const std::vector<OwnAddress>& addresses);

// Writes as many as there is room for into the image, and returns how many there is none for.
std::size_t set_martians(Image& image, const std::vector<Prefix>& martians);

}  // namespace edgefw::image
