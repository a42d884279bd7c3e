// SPDX-License-Identifier: GPL-2.0-only
// A look at what is in force, without the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "userspace/base/result.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/pins.h"

namespace edgefw::kernel {

struct Look {
    Home home;
    Inventory inventory;
};

Result<Look> look();

// A generation can go between a look and the opening of its pins, when a push is faster: then look again.
constexpr int kLooks = 5;

template <typename Value>
Result<Value> with_look(const std::function<Result<Value>(Look&)>& use) {
    Result<Value> result = failed("the cards in force change too fast to be read; try again");
    for (int i = 0; i < kLooks; i++) {
        auto seen = look();
        if (!seen) return seen.error();
        result = use(*seen);
        if (result || result.error().kind != ErrorKind::kFailed) return result;
        auto now = read_active(seen->home);
        if (now && *now == seen->inventory.active) return result;
    }
    return result;
}

// Ids of rules, built-in ones and NAT entries by their counter slots.
struct Names {
    std::unordered_map<std::uint32_t, std::string> ids;  // by counter slot, of the generation in force
    std::uint32_t generation = 0;

    std::string of(std::uint32_t slot, std::uint32_t judged_by) const {
        const bool is_fixed = slot >= EDGEFW_SLOT_FIRST_BUILTIN && slot < EDGEFW_SLOT_FIRST_NAT;
        const auto found = ids.find(slot);
        return found != ids.end() && (is_fixed || judged_by == generation) ? found->second : std::string();
    }
};

// Of the policy in force on a card.
Result<Names> names_of(const Look& seen, const CardState& state);
// Of the policy of this generation.
Result<Names> names_of(const Generation& generation, std::uint32_t number);

}  // namespace edgefw::kernel
