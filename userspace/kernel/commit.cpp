// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/commit.h"
#include "userspace/document/listing.h"

#include <algorithm>
#include <future>

#include "userspace/image/config.h"
#include "userspace/image/martians.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/closed.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
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
    for (const std::uint32_t number : generations_in_force(inventory)) {
        if (number == 0) continue;
        if (auto done = add_generation(home, number, before); !done) return done.error();
    }
    return before;
}

bool is_selected(const CardState& card, const std::optional<std::string>& interface) {
    return !interface || *interface == card.card().interface;
}

struct Loaded {
    CardState* card;
    ProgramPair programs;
    std::uint32_t generation;
};

// A pair for every card: new instances for the selected ones; the others go on with what they have, in the other bank.
// The verifier takes most of a push's time and one processor a program: the cards are loaded side by side.
Result<std::vector<Loaded>> load_all(Inventory& inventory, const Prepared& prepared,
                                     const std::optional<std::string>& interface) {
    for (auto& card : inventory.cards) {
        if (!is_selected(card, interface)) continue;
        if (auto ready = prepare_counters(inventory, card, prepared); !ready) return ready.error();
        if (auto resized = card.resize(prepared.capacity); !resized) return resized.error();
        auto config = prepared.generation.config(card.side());
        if (!config) return config.error();
        card.note_adoption(config->adopt, inventory.generation_of(card) == 0);
    }
    std::vector<std::future<Result<ProgramPair>>> pairs;
    for (const auto& card : inventory.cards) {
        const bool selected = is_selected(card, interface);
        pairs.push_back(std::async(selected ? std::launch::async : std::launch::deferred, [&, selected] {
            return selected ? card.load(&prepared.generation) : card.programs_in(inventory.active.bank);
        }));
    }
    std::vector<Loaded> loaded;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        CardState& card = inventory.cards[i];
        auto programs = pairs[i].get();
        if (!programs) return programs.error();
        const std::uint32_t generation = is_selected(card, interface) ? prepared.number : inventory.generation_of(card);
        loaded.push_back({&card, std::move(*programs), generation});
    }
    return loaded;
}

Result<Ok> build_and_flip(const Home& home, Inventory& inventory, const Prepared& prepared,
                          const std::optional<std::string>& interface) {
    auto loaded = load_all(inventory, prepared, interface);
    if (!loaded) return loaded.error();
    const ActiveWord next = {prepared.number, inventory.active.bank ^ 1};
    const Uninterrupted uninterrupted;
    for (auto& entry : *loaded) {
        if (auto filled = entry.card->fill_bank(next.bank, entry.programs, entry.generation); !filled)
            return filled.error();
    }
    auto flipped = write_active(home, next);
    if (flipped) inventory.active = next;
    return flipped;
}

// Ends what a push began that was killed while connections came over: this push begins with whole tables.
Result<Ok> bring_over_leftovers(const Home& home, Inventory& inventory) {
    for (auto& card : inventory.cards) {
        card.unpin_unused_tables(inventory.active.bank);
        if (!card.comes_over()) continue;
        const std::uint32_t number = inventory.generation_of(card);
        auto generation = Generation::open(home.generation(number));
        if (!generation) return generation.error();
        auto brought = bring_over(card, *generation, number, inventory.active.bank);
        if (!brought) return brought.error();
    }
    return Ok{};
}

// The policy is in force: what goes wrong from here on leaves every connection where packets find it, and is said.
std::string bring_over_all(Inventory& inventory, const Prepared& prepared) {
    std::string text = prepared.martians_left_out == 0
                           ? ""
                           : std::to_string(prepared.martians_left_out) +
                                 " of the host's own addresses are not among the martians: there is room for " +
                                 std::to_string(EDGEFW_MARTIANS) + "; a rule can drop what comes from them";
    for (auto& card : inventory.cards) {
        auto brought = bring_over(card, prepared.generation, prepared.number, inventory.active.bank);
        const std::string line = brought ? *brought
                                         : std::string(card.card().interface) +
                                               ": connections still come over to their new tables (" +
                                               brought.error().message + "); push again to end that";
        if (!line.empty()) text += (text.empty() ? "" : "; ") + line;
    }
    return text;
}

}  // namespace

Result<Ok> refuse_hidden_tags(const image::Image& image, const std::string& interface, ReceivedAt at) {
    if (at == ReceivedAt::kTcIngress || !image::names_a_vlan(image) || !takes_vlan_tags_off(interface)) return Ok{};
    return failed("the policy names a VLAN and " + interface +
                  " takes VLAN tags off before XDP sees them; first: ethtool -K " + interface +
                  " rx-vlan-offload off, or attach it with --mode tc");
}

Result<Prepared> prepare(const Home& home, const Inventory& inventory, const Compiled& policy, std::uint32_t number,
                         const CardState* newcomer) {
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
    auto generation = Generation::create(image, {policy.document, listed, summary, policy.sources}, number);
    if (!generation) return generation.error();
    if (auto pinned = generation->pin(home.generation(number)); !pinned) return pinned.error();
    return Prepared{std::move(*generation),   std::move(plan->slots), number,
                    std::move(before->slots), image.capacity,         plan->martians_left_out};
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

Result<PushReport> push(const Compiled& policy, const std::optional<std::string>& interface) {
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    if (inventory->cards.empty()) {
        home->remove_if_empty();
        return nothing_attached();
    }
    if (interface && inventory->find(*interface) == nullptr) return not_attached(*interface);
    for (const auto& card : inventory->cards) {
        if (!is_selected(card, interface)) continue;
        if (auto allowed = refuse_hidden_tags(policy.image, card.card().interface, card.received_at()); !allowed)
            return allowed.error();
    }
    remove_unused_generations(*home, *inventory);
    if (auto done = bring_over_leftovers(*home, *inventory); !done) return done.error();

    const std::uint32_t number = inventory->next_generation();
    auto prepared = prepare(*home, *inventory, policy, number);
    if (!prepared) return prepared.error();
    if (auto done = build_and_flip(*home, *inventory, *prepared, interface); !done) {
        remove_directory(home->generation(number));
        for (const auto& card : inventory->cards)
            card.unpin_unused_tables(inventory->active.bank);
        return done.error();
    }
    const std::string warning = bring_over_all(*inventory, *prepared);
    const Uninterrupted uninterrupted;
    remove_unused_generations(*home, *inventory);

    PushReport report;
    report.generation = number;
    report.warning = warning;
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
