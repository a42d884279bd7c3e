// SPDX-License-Identifier: GPL-2.0-only
// What a policy says of the programs of a side: their read-only constants (maps/config.h). The machine adds the rest,
// its ticks among them (kernel/config.h).
#pragma once

#include "userspace/image/classes.h"
#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::image {

// All that the rules do not say: the compiler adds their trees.
edgefw_config config_of(const policy::Policy& policy, policy::Side side);

// Writes how the programs look up the classes of a family. After Classes::number().
void configure_classes(const Classes& classes, edgefw_config& config);

// By which lengths they look an address up in a hash, in this order; empty: the table is no hash.
std::vector<int> class_lengths(const edgefw_config& config, Family family);

// Writes what both configs say of NAT, from the image's forwards and masquerades. After each change of those.
void configure_nat(Image& image);

// Whether a rule names a VLAN: a card that takes tags off before XDP sees them would fail open.
bool names_a_vlan(const Image& image);

}  // namespace edgefw::image
