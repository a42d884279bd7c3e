// SPDX-License-Identifier: GPL-2.0-only
// The shadow of a card: a second policy whose rules are asked beside those in force (bpf/shadow.h).
//
// Who begins or ends one puts the policy in force into force again, as a newer generation whose programs ask the shadow
// or do not. So a flip begins it and a flip ends it, nothing is asked of what runs without one, and every connection is
// judged again once, which is when the shadow is asked about it. Its rules are pinned in shadow_<N>, what it counts
// beside the card's maps as shadow_NAME_<N>. N is in the constants of the generation that asks it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/look.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"
#include "userspace/kernel/registry.h"

namespace edgefw::kernel {

// The maps that a card has of one shadow.
struct ShadowMaps {
#define EDGEFW_MEMBER(name) Map name;
    EDGEFW_SHADOW_MAPS(EDGEFW_MEMBER)
#undef EDGEFW_MEMBER

    static Result<ShadowMaps> create();
    static Result<ShadowMaps> open(const std::string& card_directory, std::uint32_t number);
    Result<Ok> pin(const std::string& card_directory, std::uint32_t number) const;
    std::vector<Binding> bindings() const;
};

// The shadow of a card; nothing: it has none.
Result<std::optional<CardShadow>> card_shadow(const Look& seen, const CardState& state);
// Names of its rules by their counter slots. `number`: as records have it.
Result<std::optional<Names>> shadow_names(const Look& seen, const CardState& state);

// Takes away what is pinned of shadows that no generation in use asks. Needs the lock.
void remove_unused_shadows(const Home& home, const Inventory& inventory);

}  // namespace edgefw::kernel
