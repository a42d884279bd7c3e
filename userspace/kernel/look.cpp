// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/look.h"

#include "userspace/kernel/door.h"
#include "userspace/policy/reasons.h"

namespace edgefw::kernel {
namespace {

Names builtin_names(std::uint32_t number) {
    Names names;
    names.generation = number;
    for (std::uint32_t i = 0; i < EDGEFW_BUILTIN_COUNT; i++)
        names.ids[EDGEFW_SLOT_FIRST_BUILTIN + i] = policy::kBuiltinIds[i];
    return names;
}

}  // namespace

Result<Look> look() {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::look();
    if (!home) return home.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    return Look{std::move(*home), std::move(*inventory)};
}

Result<Names> names_of(const Generation& generation, std::uint32_t number) {
    Names names = builtin_names(number);
    const auto listing = generation.listing();
    if (!listing) return listing.error();
    for (const auto& [id, slot] : listing->slots())
        names.ids[slot] = id;
    return names;
}

Result<Names> names_of(const Look& seen, const CardState& state) {
    const std::uint32_t number = seen.inventory.generation_of(state);
    if (number == 0) return builtin_names(0);
    const auto generation = Generation::open(seen.home.generation(number));
    if (!generation) return generation.error();
    return names_of(*generation, number);
}

}  // namespace edgefw::kernel
