// SPDX-License-Identifier: GPL-2.0-only
// plan: what an image takes from the generations in force and from the host, before it becomes one itself.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/image.h"

namespace edgefw::image {

// The counter slot of every rule and NAT entry of the generations in force, by id.
using Slots = std::unordered_map<std::string, std::uint32_t>;

// Gives every id of `image` its slot, an id that is in `in_force` the one it has, and writes the slots into the image.
// Returns the slots of this image. Never hands out a slot that `in_force` uses for another id; new ones come after the
// highest in use (round robin), so that late fragments of a removed rule do not count for a new one. Fails (kFailed)
// when the slots are exhausted.
Result<Slots> assign_slots(Image& image, const Slots& in_force);

// Forwards of the generation in force that `image` no longer has (as they were): kept as retired entries, so that the
// connections they translated are found and revoked.
void retire_forwards(Image& image, const std::vector<edgefw_forward>& in_force);

// The clocks of a config.
struct Clocks {
    std::uint32_t now = 0;   // seconds of CLOCK_MONOTONIC
    std::uint32_t tick = 1;  // jiffies in a second
};

// What connections there may be on a side, by enum edgefw_side.
struct KeptState {
    bool keeps_state[EDGEFW_SIDES] = {};
    // By bit of EDGEFW_KIND_*: until when there may be some, seconds of CLOCK_MONOTONIC; 0: there are none.
    std::uint32_t until[EDGEFW_SIDES][EDGEFW_KINDS] = {};

    // Adds those of a generation that is in force now: connections of what it passes live for its longest timeout from
    // now on, those of earlier generations as long as it says.
    void add(const edgefw_config& config, const Clocks& clocks);
};

// Where a generation in force keeps state, the next asks for connections, too, though it may open none: those that
// there are go on under its rules or end with their own reason. It does so as long as any can live, and the pushes
// behind that do not.
void inherit_state(Image& image, const KeptState& kept, std::uint32_t now);

struct InForce {
    Slots slots = {};
    std::vector<edgefw_forward> forwards = {};
    KeptState kept = {};
    std::uint32_t now = 0;              // seconds of CLOCK_MONOTONIC
    std::vector<Prefix> martians = {};  // that no packet from outside can come from (image/martians.h)
};

struct Plan {
    Slots slots;                        // of the image
    std::size_t martians_left_out = 0;  // there was no room for them
};

// All of the above and set_martians(), in the order that counts. Fails as assign_slots() does.
Result<Plan> plan(Image& image, const InForce& in_force);

}  // namespace edgefw::image
