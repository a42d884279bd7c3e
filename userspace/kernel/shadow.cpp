// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/shadow.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "maps/shadow.h"
#include "userspace/document/sources.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/commit.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/fallback.h"
#include "userspace/kernel/loading.h"
#include "userspace/kernel/look.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

std::string pin_of(const std::string& card_directory, const char* name, std::uint32_t number) {
    return card_directory + "/" + name + "_" + std::to_string(number);
}

// Of a generation in use; 0: it asks none.
Result<std::uint32_t> shadow_of(const Home& home, std::uint32_t generation) {
    if (generation == 0) return 0u;
    auto opened = Generation::open(home.generation(generation));
    if (!opened) return opened.error();
    auto config = opened->config(policy::Side::kExternal);
    if (!config) return config.error();
    return config->shadow;
}

}  // namespace

Result<ShadowMaps> ShadowMaps::create() {
    ShadowMaps maps;
#define EDGEFW_CREATE(name)                                                                                      \
    {                                                                                                            \
        auto made = std::strcmp(#name, "shadow_differences") == 0 ? create_map(#name, EDGEFW_SHADOW_DIFFERENCES) \
                                                                  : create_map(#name);                           \
        if (!made) return made.error();                                                                          \
        maps.name = std::move(*made);                                                                            \
    }
    EDGEFW_SHADOW_MAPS(EDGEFW_CREATE)
#undef EDGEFW_CREATE
    return maps;
}

Result<ShadowMaps> ShadowMaps::open(const std::string& card_directory, std::uint32_t number) {
    ShadowMaps maps;
#define EDGEFW_OPEN(name)                                                      \
    {                                                                          \
        auto opened = Map::open_pinned(pin_of(card_directory, #name, number)); \
        if (!opened) return opened.error();                                    \
        maps.name = std::move(*opened);                                        \
    }
    EDGEFW_SHADOW_MAPS(EDGEFW_OPEN)
#undef EDGEFW_OPEN
    return maps;
}

Result<Ok> ShadowMaps::pin(const std::string& card_directory, std::uint32_t number) const {
    const std::pair<const char*, const Map*> all[] = {
#define EDGEFW_ROW(name) {#name, &name},
        EDGEFW_SHADOW_MAPS(EDGEFW_ROW)
#undef EDGEFW_ROW
    };
    for (const auto& [name, map] : all) {
        if (auto pinned = map->pin(pin_of(card_directory, name, number)); !pinned) return pinned;
    }
    return Ok{};
}

std::vector<Binding> ShadowMaps::bindings() const {
#define EDGEFW_BINDING(name) {#name, name.fd()},
    return {EDGEFW_SHADOW_MAPS(EDGEFW_BINDING)};
#undef EDGEFW_BINDING
}

void remove_unused_shadows(const Home& home, const Inventory& inventory) {
    const auto numbers = home.shadows();
    if (numbers.empty()) return;
    std::set<std::uint32_t> used;
    for (const std::uint32_t generation : generations_in_use(inventory)) {
        const auto shadow = shadow_of(home, generation);
        if (!shadow) return;  // what cannot be read may ask for any
        used.insert(*shadow);
    }
    for (const std::uint32_t number : numbers) {
        if (used.contains(number)) continue;
        for (const CardState& card : inventory.cards) {
#define EDGEFW_UNPIN(name) unlink(pin_of(card.directory(), #name, number).c_str());
            EDGEFW_SHADOW_MAPS(EDGEFW_UNPIN)
#undef EDGEFW_UNPIN
        }
        // Last: by it the pins beside the cards are found.
        remove_directory(home.shadow(number));
    }
}

namespace {

using Again = std::map<std::uint32_t, std::pair<std::uint32_t, Generation>>;  // by number that the policy has now

// The policies in force on the selected cards, pinned as newer generations that ask `shadow`.
Result<Again> pin_again(const Home& home, const Inventory& inventory, const std::optional<std::string>& interface,
                        std::uint32_t shadow, std::uint32_t first) {
    Again all;
    for (const CardState& card : inventory.cards) {
        const std::uint32_t of = inventory.generation_of(card);
        if (!is_selected(card, interface) || of == 0 || all.contains(of)) continue;
        auto in_force = Generation::open(home.generation(of));
        if (!in_force) return in_force.error();
        auto known = known_of(*in_force, 0);
        if (!known) return known.error();
        auto config = in_force->config(card.side());
        if (!config) return config.error();
        auto again = Generation::again(home.generation(of), first, *known, config->retains_until, shadow);
        if (!again) return again.error();
        if (auto pinned = again->pin(home.generation(first)); !pinned) return pinned.error();
        all.emplace(of, std::pair{first++, std::move(*again)});
    }
    return all;
}

Result<Generation> pin_rules(const Home& home, const Compiled& policy, std::uint32_t number) {
    image::Image image = policy.image;
    auto slots = image::assign_slots(image, {});
    if (!slots) return slots.error();
    document::Listing listing = policy.listing;
    listing.set_slots(*slots);
    const std::string listed = listing.to_text(), summary = summarise(policy).to_text();
    auto rules = Generation::create(image, {policy.document, listed, summary, policy.sources}, number);
    if (!rules) return rules.error();
    if (auto pinned = rules->pin(home.shadow(number)); !pinned) return pinned.error();
    return rules;
}

// Makes what the card has of a shadow, with its programs, and pins it. `rules`: the shadow's.
Result<Ok> prepare_card(const CardState& card, std::uint32_t number, const Generation& rules) {
    auto maps = ShadowMaps::create();
    if (!maps) return maps.error();
    auto config = rules.config(card.side());
    if (!config) return config.error();
    auto variant = card.variant(true);
    if (!variant) return variant.error();
    std::vector<Binding> bindings = card.maps().bindings();
    for (const std::vector<Binding>& more : {rules.bindings(), maps->bindings()})
        bindings.insert(bindings.end(), more.begin(), more.end());
    const Unit received = card.received_at() == ReceivedAt::kXdp ? Unit::kReceivedXdp : Unit::kReceivedTc;
    for (const auto& [unit, to] :
         {std::pair{received, &maps->shadow_received}, std::pair{Unit::kSentTc, &maps->shadow_sent}}) {
        auto programs = load_shadow(unit, specialised(*config, *variant), bindings);
        if (!programs) return programs.error();
        if (auto wrote = to->set<int>(EDGEFW_DROP, programs->drops.get()); !wrote) return wrote;
        if (auto wrote = to->set<int>(EDGEFW_PASS, programs->passes.get()); !wrote) return wrote;
    }
    return maps->pin(card.directory(), number);
}

// Everything but the flip may fail, and has not changed anything then. `policy`: nullptr ends the shadow.
Result<std::uint32_t> begin_or_end(const Home& home, Inventory& inventory, const Compiled* policy,
                                   const std::optional<std::string>& interface) {
    std::uint32_t number = inventory.next_generation();
    std::uint32_t shadow = 0;
    if (policy != nullptr) {
        shadow = number++;
        auto rules = pin_rules(home, *policy, shadow);
        if (!rules) return rules.error();
        for (const CardState& card : inventory.cards) {
            if (!is_selected(card, interface) || inventory.generation_of(card) == 0) continue;
            if (auto ready = prepare_card(card, shadow, *rules); !ready) return ready.error();
        }
    }
    auto again = pin_again(home, inventory, interface, shadow, number);
    if (!again) return again.error();
    auto loaded = load_all(inventory, interface, [&](const CardState& card) {
        const auto found = again->find(inventory.generation_of(card));
        if (found == again->end()) return UnderGeneration{};  // no policy is in force there
        return UnderGeneration{found->second.first, &found->second.second};
    });
    if (!loaded) return loaded.error();
    std::uint32_t newest = number;
    for (const auto& [of, generation] : *again)
        newest = std::max(newest, generation.first);
    const ActiveWord next = {newest, free_bank(inventory.banks_in_use()), false, inventory.active.fell_back};
    const Uninterrupted uninterrupted;
    if (auto filled = fill(*loaded, next.bank); !filled) return filled.error();
    auto flipped = exchange_active(home, inventory.active, next);
    if (!flipped) return flipped.error();
    if (!*flipped) return failed("what is in force changed meanwhile; try again");
    inventory.active = next;
    return newest;
}

Error no_policy(const std::optional<std::string>& interface) {
    return failed("no policy is in force" + (interface ? " on " + *interface : "") +
                  ": a shadow is compared with one; first: edgefw push FILE");
}

Error no_shadow(const std::optional<std::string>& interface) {
    return failed("there is no shadow" + (interface ? " on " + *interface : "") +
                  "; `edgefw push --shadow FILE` begins one");
}

Result<std::uint32_t> change(const Compiled* policy, const std::optional<std::string>& interface) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto begun = begin_change(interface);
    if (!begun) return begun.error();
    Home* home = &begun->home;
    Inventory* inventory = &begun->inventory;
    if (inventory->confirmation)
        return failed("a push waits to be confirmed; first `edgefw confirm`, or `edgefw rollback`");
    bool asks = false, has_policy = false;
    for (const CardState& card : inventory->cards) {
        if (!is_selected(card, interface)) continue;
        const std::uint32_t generation = inventory->generation_of(card);
        if (generation == 0) continue;  // nothing is compared there
        has_policy = true;
        auto shadow = shadow_of(*home, generation);
        if (!shadow) return shadow.error();
        asks = asks || *shadow != 0;
        if (policy == nullptr) continue;
        if (auto allowed = refuse_hidden_tags(policy->image, card.card().interface, card.received_at()); !allowed)
            return allowed.error();
    }
    if (policy == nullptr && !asks) return no_shadow(interface);
    if (!has_policy) return no_policy(interface);
    remove_unused_generations(*home, *inventory);
    auto changed = begin_or_end(*home, *inventory, policy, interface);
    const Uninterrupted uninterrupted;
    remove_unused_generations(*home, *inventory);
    return changed;
}

void add_difference(const CardState& state, const Names& in_force, const Names& shadow,
                    const edgefw_shadow_difference& key, const edgefw_shadow_count* values, CardShadow& to) {
    ShadowDifference difference;
    difference.hook = key.hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    difference.direction = policy::direction_of(state.side(), difference.hook);
    difference.verdict = key.verdict == EDGEFW_PASS ? policy::Action::kPass : policy::Action::kDrop;
    difference.reason = static_cast<edgefw_reason>(key.reason);
    difference.shadow_reason = static_cast<edgefw_reason>(key.shadow_reason);
    if (key.slot != EDGEFW_SLOT_NONE) difference.rule = in_force.of(key.slot, in_force.generation);
    if (key.shadow_slot != EDGEFW_SLOT_NONE) difference.shadow_rule = shadow.of(key.shadow_slot, shadow.generation);
    for (int cpu = 0; cpu < cpus(); cpu++) {
        difference.packets += values[cpu].packets;
        difference.connections += values[cpu].connections;
    }
    to.differences.push_back(std::move(difference));
}

}  // namespace

Result<std::optional<Names>> shadow_names(const Look& seen, const CardState& state) {
    auto number = shadow_of(seen.home, seen.inventory.generation_of(state));
    if (!number) return number.error();
    if (*number == 0) return std::optional<Names>();
    const auto rules = Generation::open(seen.home.shadow(*number));
    if (!rules) return rules.error();
    auto names = names_of(*rules, *number);
    if (!names) return names.error();
    return std::optional(std::move(*names));
}

Result<std::optional<CardShadow>> card_shadow(const Look& seen, const CardState& state) {
    auto number = shadow_of(seen.home, seen.inventory.generation_of(state));
    if (!number) return number.error();
    if (*number == 0) return std::optional<CardShadow>();
    const auto rules = Generation::open(seen.home.shadow(*number));
    if (!rules) return rules.error();
    const auto maps = ShadowMaps::open(state.directory(), *number);
    if (!maps) return maps.error();
    const auto in_force = names_of(seen, state);
    if (!in_force) return in_force.error();
    const auto shadow = names_of(*rules, *number);
    if (!shadow) return shadow.error();
    const auto summary = rules->summary();
    if (!summary) return summary.error();
    CardShadow result;
    result.interface = state.card().interface;
    result.side = state.side();
    result.number = *number;
    result.digest = summary->digest;
    if (const auto text = rules->sources(); text && !text->empty()) {
        if (const auto sources = document::read_sources(*text)) result.file = sources->file;
    }
    auto read = maps->shadow_totals.read_all(1, [&](std::uint32_t, const std::uint8_t* values) {
        for (int cpu = 0; cpu < cpus(); cpu++) {
            edgefw_shadow_totals totals = {};
            std::memcpy(&totals, values + static_cast<std::size_t>(cpu) * sizeof(totals), sizeof(totals));
            result.asked += totals.asked;
            result.different += totals.different;
            result.uncounted += totals.uncounted;
        }
    });
    if (!read) return read.error();
    std::vector<edgefw_shadow_difference> keys;
    auto walked = maps->shadow_differences.for_each_key(
        [&](const std::uint8_t* key) { std::memcpy(&keys.emplace_back(), key, sizeof(edgefw_shadow_difference)); });
    if (!walked) return walked.error();
    std::vector<edgefw_shadow_count> values(static_cast<std::size_t>(cpus()));
    for (const edgefw_shadow_difference& key : keys) {
        if (auto found = maps->shadow_differences.read(&key, values.data()); !found) continue;
        add_difference(state, *in_force, *shadow, key, values.data(), result);
    }
    std::stable_sort(result.differences.begin(), result.differences.end(), [](const auto& a, const auto& b) {
        return a.packets + a.connections > b.packets + b.connections;
    });
    return std::optional(std::move(result));
}

Result<std::uint32_t> begin_shadow(const Compiled& policy, const std::optional<std::string>& interface) {
    return change(&policy, interface);
}

Result<std::uint32_t> end_shadow(const std::optional<std::string>& interface) {
    return change(nullptr, interface);
}

Result<std::vector<CardShadow>> shadows(const std::optional<std::string>& interface) {
    return with_look<std::vector<CardShadow>>([&](Look& seen) -> Result<std::vector<CardShadow>> {
        if (interface && seen.inventory.find(*interface) == nullptr) return not_attached(*interface);
        if (seen.inventory.cards.empty()) return nothing_attached();
        std::vector<CardShadow> all;
        for (const auto& state : seen.inventory.cards) {
            if (interface && *interface != state.card().interface) continue;
            auto one = card_shadow(seen, state);
            if (!one) return one.error();
            if (*one) all.push_back(std::move(**one));
        }
        return all;
    });
}

}  // namespace edgefw::kernel
