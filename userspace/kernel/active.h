// SPDX-License-Identifier: GPL-2.0-only
// The one word that every entry program reads, and who may change it: maps/active.h has its states.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "maps/active.h"
#include "userspace/base/result.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {

// Which bank judges, and the newest generation in force.
struct ActiveWord {
    std::uint32_t generation = 0;
    std::uint32_t bank = 0;
    bool pending = false;    // falls back unless it is confirmed
    bool fell_back = false;  // came into force because a push was not confirmed

    static ActiveWord from(std::uint64_t word);
    std::uint64_t word() const;
    auto operator<=>(const ActiveWord&) const = default;
};

// What a pending word waits for.
struct Confirmation {
    std::uint64_t deadline = 0;  // jiffies
    ActiveWord fallback;
};

// The maps of the word, made with the first card, and the second one also when an earlier version made the first.
struct ActiveMaps {
    Map active;
    Map confirmations;

    // Makes and pins what is not there. Needs the lock.
    static Result<ActiveMaps> open_or_make(const Home& home);
    std::vector<Binding> bindings() const;
};

// The word that judges packets now: behind its deadline a pending word is its fallback, though no packet has written
// that yet.
Result<ActiveWord> read_active(const Home& home);
// As the map has it.
Result<ActiveWord> read_active_as_written(const Home& home);
// Of a pending word.
Result<Confirmation> read_confirmation(const Home& home, const ActiveWord& pending);
// Written before the word that names its bank. `bank`: neither the active one nor its fallback. Needs the lock.
Result<Ok> write_confirmation(const Home& home, std::uint32_t bank, const Confirmation& confirmation);

// Writes `to` where the word in element 0 of `active` is still `from`, unless jiffies have come to `until` (0: whenever
// that is). Returns whether it did. One program of the kernel does both.
Result<bool> exchange_word(const Map& active, std::uint64_t from, std::uint64_t to, std::uint64_t until);

// Writes `to` where the word is still `from`. False: a packet, or another process, has changed it.
Result<bool> exchange_active(const Home& home, const ActiveWord& from, const ActiveWord& to);
// Confirms a pending word, unless its deadline is over: both are asked at once, in the kernel. False: it has fallen
// back, or falls back now.
Result<bool> confirm_active(const Home& home, const ActiveWord& pending);

// A bank that is neither in use nor among `taken`.
std::uint32_t free_bank(const std::vector<std::uint32_t>& taken);

}  // namespace edgefw::kernel
