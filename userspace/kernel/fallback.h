// SPDX-License-Identifier: GPL-2.0-only
// What a push falls back to when nobody confirms it: the policy before, prepared as a generation that is newer than the
// push. The data path itself falls back (bpf/entry.bpf.c), so all of it is in place before the push is in force.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/commit.h"
#include "userspace/kernel/inventory.h"

namespace edgefw::kernel {

// Each policy that the cards of a push are under now, as it will be in force again.
struct Fallback {
    std::uint32_t newest = 0;  // number of the newest of these generations: that of the word
    // By the number that the policy has now; 0 is not here: no policy needs no maps.
    std::map<std::uint32_t, std::pair<std::uint32_t, Generation>> generations;
};

// What a policy has to know of `generation` to be in force again behind it, in `within` seconds at most.
Result<image::InForce> known_of(const Generation& generation, std::uint32_t within);

// Pins the generations to fall back to, with numbers from `first` on. `push`: what is about to be in force, for
// `within` seconds at most: its connections and forwards they have to know. Nothing is left behind when it fails.
Result<Fallback> prepare_fallback(const Home& home, const Inventory& inventory,
                                  const std::vector<const CardState*>& cards, const Prepared& push,
                                  std::uint32_t within, std::uint32_t first);

// Writes what the clock has decided: the word of a pending push whose deadline is over. Needs the lock.
Result<Ok> settle(const Home& home);

// Frees what packets cannot come to any more: programs in other banks, and generations. Needs the lock; does nothing
// while a push waits to be confirmed.
Result<Ok> let_go(const Home& home);

// Of a pending word; 0: its deadline is over.
Result<std::uint32_t> seconds_left(const Confirmation& confirmation);

}  // namespace edgefw::kernel
