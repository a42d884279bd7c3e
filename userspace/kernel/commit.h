// SPDX-License-Identifier: GPL-2.0-only
// commit: an image becomes generation N. Everything that can fail happens before the one write that makes it so.
#pragma once

#include <map>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// A generation with its slots given out, built and pinned, ready for programs to be loaded against it.
struct Prepared {
    Generation generation;
    image::Slots slots;
    std::uint32_t number = 0;
    std::map<std::uint32_t, image::Slots> before;  // slots of the generations in force until now, by number
    policy::Capacity capacity;
    std::size_t martians_left_out = 0;  // networks inside for which there was no room
    std::uint32_t retains_until = 0;    // of its config
};

// What is attached, with the lock.
struct Change {
    Home home;
    Inventory inventory;
};
// Begins a change of what is in force on the cards, or on `interface` alone: what killed ones have left is removed, and
// what the clock has decided is written. Fails (kFailed) where no such card is attached.
Result<Change> begin_change(const std::optional<std::string>& interface);

// Builds and pins generation `number` of a compiled policy; for `newcomer` too, which is not attached yet.
// `confirm_within`: as in Terms.
Result<Prepared> prepare(const Home& home, const Inventory& inventory, const Compiled& policy, std::uint32_t number,
                         const CardState* newcomer = nullptr, std::uint32_t confirm_within = 0);
// Makes the card ready to count for `prepared`: room for its slots, and new ones at zero.
Result<Ok> prepare_counters(const Inventory& inventory, CardState& card, const Prepared& prepared);
// A policy that names a VLAN would fail open on a card that takes the tags off before XDP sees them; tc sees them.
Result<Ok> refuse_hidden_tags(const image::Image& image, const std::string& interface, ReceivedAt at);

}  // namespace edgefw::kernel
