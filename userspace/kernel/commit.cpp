// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/commit.h"
#include "userspace/document/listing.h"

#include <algorithm>
#include <functional>

#include "userspace/image/config.h"
#include "userspace/image/martians.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/closed.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/fallback.h"
#include "userspace/kernel/loading.h"
#include "userspace/kernel/martians.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/resize.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

// What the next image takes from those in force.
struct Before {
    std::map<std::uint32_t, image::Slots> slots;  // by number of the generation
    image::InForce in_force;                      // all of them together
};

Result<Ok> add_generation(const Home& home, std::uint32_t number, Before& before) {
    auto generation = Generation::open(home.generation(number));
    if (!generation) return generation.error();
    const auto listing = generation->listing();
    if (!listing) return listing.error();
    image::Slots slots = listing->slots();
    before.in_force.slots.insert(slots.begin(), slots.end());
    before.slots[number] = std::move(slots);
    auto forwards = generation->forwards();
    if (!forwards) return forwards.error();
    before.in_force.forwards.insert(before.in_force.forwards.end(), forwards->begin(), forwards->end());
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto config = generation->config(side);
        if (!config) return config.error();
        before.in_force.kept.add(*config, {before.in_force.now, jiffies_of(1)});
    }
    return Ok{};
}

Result<Before> look_at_generations(const Home& home, const Inventory& inventory) {
    Before before;
    before.in_force.now = uptime();
    for (const CardState& card : inventory.cards) {
        // A card without a policy has learned connections of all kinds.
        if (inventory.generation_of(card) == 0)
            before.in_force.kept.add(config_without_policy(card.side()), {before.in_force.now, jiffies_of(1)});
    }
    for (const std::uint32_t number : generations_in_use(inventory)) {
        if (number == 0) continue;
        if (auto done = add_generation(home, number, before); !done) return done.error();
    }
    return before;
}

// What a card needs before programs of `prepared` are loaded for it.
Result<Ok> make_ready(Inventory& inventory, const Prepared& prepared, const std::optional<std::string>& interface) {
    for (auto& card : inventory.cards) {
        if (!is_selected(card, interface)) continue;
        if (auto ready = prepare_counters(inventory, card, prepared); !ready) return ready.error();
        if (auto resized = card.resize(prepared.capacity); !resized) return resized.error();
        auto config = prepared.generation.config(card.side());
        if (!config) return config.error();
        card.note_adoption(config->adopt, inventory.generation_of(card) == 0);
    }
    return Ok{};
}

// What there is to fall back to from `next`.
struct ToFallBack {
    Fallback generations;
    std::vector<Loaded> loaded;
    ActiveWord word;
};

Result<ToFallBack> build_fallback(const Home& home, Inventory& inventory, const Prepared& prepared,
                                  const std::optional<std::string>& interface, const Terms& terms,
                                  const ActiveWord& next) {
    std::vector<const CardState*> selected;
    for (const auto& card : inventory.cards) {
        if (is_selected(card, interface)) selected.push_back(&card);
    }
    auto generations = prepare_fallback(home, inventory, selected, prepared, terms.confirm_within, next.generation + 1);
    if (!generations) return generations.error();
    auto loaded = load_all(inventory, interface, [&](const CardState& card) {
        const auto found = generations->generations.find(card.generation_in(inventory.confirmed_bank()));
        if (found == generations->generations.end()) return UnderGeneration{};
        return UnderGeneration{found->second.first, &found->second.second};
    });
    if (!loaded) return loaded.error();
    std::vector<std::uint32_t> taken = inventory.banks_in_use();
    taken.push_back(next.bank);
    const ActiveWord word = {generations->newest, free_bank(taken), false, true};
    return ToFallBack{std::move(*generations), std::move(*loaded), word};
}

// Everything but the flip may fail, and has not changed anything then. The deadline counts from the flip.
Result<Ok> build_and_flip(const Home& home, Inventory& inventory, const Prepared& prepared,
                          const std::optional<std::string>& interface, const Terms& terms) {
    if (auto ready = make_ready(inventory, prepared, interface); !ready) return ready;
    auto loaded = load_all(inventory, interface, [&](const CardState&) {
        return UnderGeneration{prepared.number, &prepared.generation};
    });
    if (!loaded) return loaded.error();
    const bool waits = terms.confirm_within != 0;
    const ActiveWord next = {prepared.number, free_bank(inventory.banks_in_use()), waits, false};
    std::optional<ToFallBack> back;
    if (waits) {
        auto built = build_fallback(home, inventory, prepared, interface, terms, next);
        if (!built) return built.error();
        back = std::move(*built);
    }
    const Uninterrupted uninterrupted;
    for (const Loaded& entry : *loaded) {
        if (auto brought = entry.card->bring_records(); !brought) return brought;
    }
    if (auto filled = fill(*loaded, next.bank); !filled) return filled;
    std::optional<Confirmation> confirmation;
    if (back) {
        if (auto filled = fill(back->loaded, back->word.bank); !filled) return filled;
        auto now = jiffies_now();
        if (!now) return now.error();
        confirmation = Confirmation{*now + jiffies_of(terms.confirm_within), back->word};
        if (auto written = write_confirmation(home, next.bank, *confirmation); !written) return written;
    }
    auto flipped = exchange_active(home, inventory.active, next);
    if (!flipped) return flipped.error();
    if (!*flipped) return failed("the push that waited to be confirmed fell back while this one was made; push again");
    inventory.active = next;
    inventory.confirmation = confirmation;
    return Ok{};
}

// The generations in the banks that packets can come to.
Result<Ok> with_banks_in_use(const Home& home, const Inventory& inventory, const CardState& card,
                             const std::function<Result<Ok>(const std::vector<BankInUse>&)>& use) {
    std::vector<BankInUse> banks;
    std::vector<Generation> opened;
    const auto in_use = inventory.banks_in_use();
    opened.reserve(in_use.size());
    for (const std::uint32_t bank : in_use) {
        const std::uint32_t number = card.generation_in(bank);
        banks.push_back({bank, number, nullptr});
        if (number == 0) continue;
        auto generation = Generation::open(home.generation(number));
        if (!generation) return generation.error();
        banks.back().generation = &opened.emplace_back(std::move(*generation));
    }
    return use(banks);
}

// Connections that still come over on this card do so now. Returns what did not fit.
Result<std::string> bring_over_one(const Home& home, const Inventory& inventory, CardState& card) {
    std::string text;
    if (!card.comes_over()) return text;
    auto done = with_banks_in_use(home, inventory, card, [&](const std::vector<BankInUse>& banks) -> Result<Ok> {
        auto brought = bring_over(card, banks);
        if (!brought) return brought.error();
        text = std::move(*brought);
        return Ok{};
    });
    if (!done) return done.error();
    return text;
}

// Ends what a push began that was killed while connections came over: this push begins with whole tables.
Result<Ok> bring_over_leftovers(const Home& home, Inventory& inventory) {
    for (auto& card : inventory.cards) {
        card.unpin_unused_tables(inventory.active.bank);
        auto brought = bring_over_one(home, inventory, card);
        if (!brought) return brought.error();
    }
    return Ok{};
}

// The policy is in force: what goes wrong from here on leaves every connection where packets find it, and is said.
std::string bring_over_all(const Home& home, Inventory& inventory, const Prepared& prepared) {
    std::string text = prepared.martians_left_out == 0
                           ? ""
                           : std::to_string(prepared.martians_left_out) +
                                 " of the host's own addresses are not among the martians: there is room for " +
                                 std::to_string(EDGEFW_MARTIANS) + "; a rule can drop what comes from them";
    for (auto& card : inventory.cards) {
        auto brought = bring_over_one(home, inventory, card);
        const std::string line = brought ? *brought
                                         : std::string(card.card().interface) +
                                               ": connections still come over to their new tables (" +
                                               brought.error().message + "); push again to end that";
        if (!line.empty()) text += (text.empty() ? "" : "; ") + line;
    }
    return text;
}

// Until when connections that a policy revokes are kept, seconds of CLOCK_MONOTONIC; 0: they are not.
std::uint32_t retains_until(const image::Image& image, std::uint32_t confirm_within) {
    const std::uint32_t grace = image.config[0].rollback_grace + confirm_within;  // as long as it may fall back
    return grace == 0 ? 0 : uptime() + grace;
}

Error refuse_beside(const Inventory& inventory) {
    const auto left = seconds_left(*inventory.confirmation);
    return failed("generation " + std::to_string(inventory.active.generation) + " waits to be confirmed" +
                  (left ? ", " + std::to_string(*left) + " s are left" : "") +
                  "; first `edgefw confirm`, or `edgefw rollback`, or push with --replace");
}

}  // namespace

Result<Ok> refuse_hidden_tags(const image::Image& image, const std::string& interface, ReceivedAt at) {
    if (at == ReceivedAt::kTcIngress || !image::names_a_vlan(image) || !takes_vlan_tags_off(interface)) return Ok{};
    return failed("the policy names a VLAN and " + interface +
                  " takes VLAN tags off before XDP sees them; first: ethtool -K " + interface +
                  " rx-vlan-offload off, or attach it with --mode tc");
}

Result<Prepared> prepare(const Home& home, const Inventory& inventory, const Compiled& policy, std::uint32_t number,
                         const CardState* newcomer, std::uint32_t confirm_within) {
    auto before = look_at_generations(home, inventory);
    if (!before) return before.error();
    auto own = own_addresses(inventory, newcomer);
    if (!own) return own.error();
    before->in_force.martians = image::martians_of(*own);
    image::Image image = policy.image;
    auto plan = image::plan(image, before->in_force);
    if (!plan) return plan.error();
    document::Listing listing = policy.listing;
    listing.set_slots(plan->slots);
    const std::string listed = listing.to_text();
    const std::string summary = summarise(policy).to_text();
    const std::uint32_t until = retains_until(image, confirm_within);
    auto generation = Generation::create(image, {policy.document, listed, summary, policy.sources}, number, until);
    if (!generation) return generation.error();
    if (auto pinned = generation->pin(home.generation(number)); !pinned) return pinned.error();
    return Prepared{std::move(*generation), std::move(plan->slots),  number, std::move(before->slots),
                    image.capacity,         plan->martians_left_out, until};
}

Result<Ok> prepare_counters(const Inventory& inventory, CardState& card, const Prepared& prepared) {
    const auto before = prepared.before.find(inventory.generation_of(card));
    std::vector<std::uint32_t> fresh;
    for (const auto& [id, slot] : prepared.slots) {
        if (before == prepared.before.end() || !before->second.contains(id)) fresh.push_back(slot);
    }
    if (auto reserved = card.reserve_counters(Generation::slots_needed(prepared.slots)); !reserved)
        return reserved.error();
    return card.zero_counters(fresh);
}

Result<Change> begin_change(const std::optional<std::string>& interface) {
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    if (auto settled = settle(*home); !settled) return settled.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    if (inventory->cards.empty()) {
        home->remove_if_empty();
        return nothing_attached();
    }
    if (interface && inventory->find(*interface) == nullptr) return not_attached(*interface);
    return Change{std::move(*home), std::move(*inventory)};
}

Result<PushReport> push(const Compiled& policy, const std::optional<std::string>& interface, const Terms& terms) {
    auto change = begin_change(interface);
    if (!change) return change.error();
    Home* home = &change->home;
    Inventory* inventory = &change->inventory;
    if (inventory->confirmation && !terms.replaces) return refuse_beside(*inventory);
    for (const auto& card : inventory->cards) {
        if (!is_selected(card, interface)) continue;
        if (auto allowed = refuse_hidden_tags(policy.image, card.card().interface, card.received_at()); !allowed)
            return allowed.error();
    }
    remove_unused_generations(*home, *inventory);
    if (auto done = bring_over_leftovers(*home, *inventory); !done) return done.error();

    const std::uint32_t number = inventory->next_generation();
    auto prepared = prepare(*home, *inventory, policy, number, nullptr, terms.confirm_within);
    if (!prepared) return prepared.error();
    if (auto done = build_and_flip(*home, *inventory, *prepared, interface, terms); !done) {
        remove_unused_generations(*home, *inventory);
        for (const auto& card : inventory->cards)
            card.unpin_unused_tables(inventory->active.bank);
        return done.error();
    }
    const std::string warning = bring_over_all(*home, *inventory, *prepared);
    const Uninterrupted uninterrupted;
    for (const auto& card : inventory->cards)
        card.unpin_unused_tables(inventory->active.bank);  // a ring of another size
    remove_unused_generations(*home, *inventory);

    PushReport report;
    report.generation = number;
    report.warning = warning;
    if (inventory->confirmation) {
        auto left = seconds_left(*inventory->confirmation);
        report.waiting = Waiting{number, inventory->confirmation->fallback.generation,
                                 left ? *left : terms.confirm_within, inventory->active.bank};
    }
    if (auto hooked = hooked_cards(*home)) report.hooked = std::move(*hooked);
    for (const auto& card : inventory->cards) {
        if (!is_selected(card, interface)) continue;
        report.cards.push_back(describe(*inventory, card, summarise(policy)));
        // An attach that was killed in its last step has left it.
        if (auto opened = open_up(static_cast<int>(card.card().ifindex)); !opened) return opened.error();
    }
    return report;
}

}  // namespace edgefw::kernel
