// SPDX-License-Identifier: GPL-2.0-only
// The judging programs of every card, loaded for one bank.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/inventory.h"

namespace edgefw::kernel {

// Whether a push to `interface` is for this card; nothing: it is for all.
inline bool is_selected(const CardState& card, const std::optional<std::string>& interface) {
    return !interface || *interface == card.card().interface;
}

// A card, and the programs that it will have in one bank.
struct Loaded {
    CardState* card;
    ProgramPair programs;
    std::uint32_t generation;
};

struct UnderGeneration {
    std::uint32_t number = 0;
    const Generation* generation = nullptr;  // nullptr: no policy
};
using GenerationOf = std::function<UnderGeneration(const CardState&)>;

// A pair for every card: new instances for the selected ones, under what `generation_of` says; the others go on with
// what they have, in another bank. The verifier takes most of a push's time and one processor a program: the cards are
// loaded side by side.
Result<std::vector<Loaded>> load_all(Inventory& inventory, const std::optional<std::string>& interface,
                                     const GenerationOf& generation_of);

// Puts them into the bank, in which no packet is judged yet.
Result<Ok> fill(std::vector<Loaded>& all, std::uint32_t bank);

}  // namespace edgefw::kernel
