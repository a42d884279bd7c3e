// SPDX-License-Identifier: GPL-2.0-only
// What is attached in this namespace, read from its pins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/card_state.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/summary.h"

namespace edgefw::kernel {

// The one word that every entry program reads: which bank judges, and the newest generation in force.
struct ActiveWord {
    std::uint32_t generation = 0;
    std::uint32_t bank = 0;

    static ActiveWord from(std::uint64_t word) {
        return {static_cast<std::uint32_t>(word >> 1), static_cast<std::uint32_t>(word & 1)};
    }
    std::uint64_t word() const { return std::uint64_t{generation} << 1 | bank; }
    auto operator<=>(const ActiveWord&) const = default;
};

struct Inventory {
    ActiveWord active;
    std::vector<CardState> cards;

    std::uint32_t generation_of(const CardState& card) const { return card.generation_in(active.bank); }
    // Larger than every generation that a program or a connection can be of.
    std::uint32_t next_generation() const;
    CardState* find(const std::string& interface);
};

// What becomes of cards that another version of edgefw attached.
enum class OtherVersions { kRefused, kLeftOut };

// Which hooks of a pinned card hold. A card that is gone, or in another namespace, has none.
struct Held {
    bool received = false;
    bool sent = false;

    bool both() const { return received && sent; }
    bool none() const { return !received && !sent; }
};
Held held(const std::string& card_directory);

// Cards whose hooks hold, and those that should be attached and have lost one: they are pushed to and counted like the
// others. With the lock held, what is left of other cards can be removed first.
Result<Inventory> take_inventory(const Home& home, OtherVersions others = OtherVersions::kRefused);

struct ForeignCard {
    std::string directory;
    std::string interface;
    edgefw_card card = {};  // as read_any_card() says
};
// The cards that another version attached.
Result<std::vector<ForeignCard>> foreign_cards(const Home& home);
// Takes a card off its hooks, and its state away. What is not there any more is no error.
Result<Ok> take_down(const std::string& directory);
// Removes what a killed attach or detach, or a card that is gone, has left behind, and remembers what is attached and
// not yet remembered. Needs the lock.
void remove_leftovers(const Home& home);
// As door.h describes them.
Result<std::vector<HookedCard>> hooked_cards(const Home& home);
// Generations that no card's active bank names, and half-made ones. Needs the lock.
void remove_unused_generations(const Home& home, const Inventory& inventory);

// Numbers of the generations that cards are under, ascending; 0 where one is under none.
std::vector<std::uint32_t> generations_in_force(const Inventory& inventory);

Result<ActiveWord> read_active(const Home& home);
Result<Ok> write_active(const Home& home, ActiveWord active);

ReceivedMode mode_of(const edgefw_card& card);
Egress egress_of(const edgefw_card& card);
// As types.h describes a card.
// `summary`: of the policy in force on it.
Card describe(const Inventory& inventory, const CardState& state, const Summary& summary);

Error nothing_attached();
Error not_attached(const std::string& interface);

}  // namespace edgefw::kernel
