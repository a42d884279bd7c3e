// SPDX-License-Identifier: GPL-2.0-only
// What a policy says of the programs of a side: their read-only constants (maps/config.h). The machine adds the rest,
// its ticks among them (kernel/config.h).
#pragma once

#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::image {

// All that the rules do not say: the compiler adds their trees.
edgefw_config config_of(const policy::Policy& policy, policy::Side side);

// Writes what both configs say of NAT, from the image's forwards and masquerades. After each change of those.
void configure_nat(Image& image);

// Whether a rule names a VLAN: a card that takes tags off before XDP sees them would fail open.
bool names_a_vlan(const Image& image);

}  // namespace edgefw::image
