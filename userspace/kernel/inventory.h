// SPDX-License-Identifier: GPL-2.0-only
// What is attached in this namespace, read from its pins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/active.h"
#include "userspace/kernel/card_state.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/summary.h"

namespace edgefw::kernel {

struct Inventory {
    ActiveWord active;
    std::vector<CardState> cards;
    std::optional<Confirmation> confirmation = {};  // while `active` is pending

    std::uint32_t generation_of(const CardState& card) const { return card.generation_in(active.bank); }
    // The banks that packets can come to: the active one, and its fallback.
    std::vector<std::uint32_t> banks_in_use() const;
    // The bank of the last policy that was confirmed: a push that waits for its confirmation is no ground to fall back
    // to.
    std::uint32_t confirmed_bank() const { return confirmation ? confirmation->fallback.bank : active.bank; }
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
// Generations that no card's bank in use names, and half-made ones. Needs the lock.
void remove_unused_generations(const Home& home, const Inventory& inventory);

// Numbers of the generations that cards are under, ascending; 0 where one is under none.
std::vector<std::uint32_t> generations_in_force(const Inventory& inventory);
// Likewise, with those that they may fall back to.
std::vector<std::uint32_t> generations_in_use(const Inventory& inventory);

// Notes `number` as the newest generation, and leaves bank and confirmation as they are. Needs the lock.
Result<Ok> note_newest(const Home& home, std::uint32_t number);

ReceivedMode mode_of(const edgefw_card& card);
Egress egress_of(const edgefw_card& card);
// As types.h describes a card.
// `summary`: of the policy in force on it.
Card describe(const Inventory& inventory, const CardState& state, const Summary& summary);

Error nothing_attached();
Error not_attached(const std::string& interface);

}  // namespace edgefw::kernel
