// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/fallback.h"

#include <optional>
#include <utility>

#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

Error nothing_waits(const ActiveWord& active) {
    if (active.fell_back)
        return failed("no push waits to be confirmed: the last one was not confirmed in time, and generation " +
                      std::to_string(active.generation) + " has the policy before it; push again");
    return failed("no push waits to be confirmed; `edgefw push --confirm 60s FILE` makes one that does");
}

}  // namespace

Result<image::InForce> known_of(const Generation& generation, std::uint32_t within) {
    image::InForce known;
    known.now = uptime();
    auto forwards = generation.forwards();
    if (!forwards) return forwards.error();
    known.forwards = std::move(*forwards);
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto config = generation.config(side);
        if (!config) return config.error();
        known.kept.add(*config, {known.now + within, jiffies_of(1)});
    }
    return known;
}

Result<Fallback> prepare_fallback(const Home& home, const Inventory& inventory,
                                  const std::vector<const CardState*>& cards, const Prepared& push,
                                  std::uint32_t within, std::uint32_t first) {
    auto known = known_of(push.generation, within);
    if (!known) return known.error();
    Fallback fallback;
    fallback.newest = first;
    std::uint32_t number = first;
    const auto undo = [&] {
        for (const auto& [of, generation] : fallback.generations)
            remove_directory(home.generation(generation.first));
    };
    for (const CardState* card : cards) {
        const std::uint32_t of = card->generation_in(inventory.confirmed_bank());
        if (of == 0 || fallback.generations.contains(of)) continue;
        auto again = Generation::again(home.generation(of), number, *known, push.retains_until);
        if (again) {
            if (auto pinned = again->pin(home.generation(number)); !pinned) again = pinned.error();
        }
        if (!again) {
            undo();
            return again.error();
        }
        fallback.generations.emplace(of, std::pair{number, std::move(*again)});
        fallback.newest = number++;
    }
    return fallback;
}

Result<Ok> settle(const Home& home) {
    auto written = read_active_as_written(home);
    if (!written) return written.error();
    if (!written->pending) return Ok{};
    auto now = read_active(home);
    if (!now) return now.error();
    if (now->pending) return Ok{};
    auto exchanged = exchange_active(home, *written, *now);
    if (!exchanged) return exchanged.error();
    return Ok{};  // not exchanged: a packet did it
}

Result<Ok> let_go(const Home& home) {
    auto inventory = take_inventory(home, OtherVersions::kLeftOut);
    if (!inventory) return inventory.error();
    if (inventory->active.pending) return Ok{};
    const Uninterrupted uninterrupted;
    for (auto& card : inventory->cards) {
        const std::uint32_t number = inventory->generation_of(card);
        auto programs = card.programs_in(inventory->active.bank);
        if (!programs) return programs.error();
        for (std::uint32_t bank = 0; bank < EDGEFW_BANKS; bank++) {
            if (bank == inventory->active.bank || card.generation_in(bank) == number) continue;
            if (auto filled = card.fill_bank(bank, *programs, number); !filled) return filled;
        }
    }
    remove_unused_generations(home, *inventory);
    return Ok{};
}

Result<std::uint32_t> seconds_left(const Confirmation& confirmation) {
    auto now = jiffies_now();
    if (!now) return now.error();
    const std::uint64_t left = jiffies_since(*now, confirmation.deadline), second = jiffies_of(1);
    return static_cast<std::uint32_t>((left + second - 1) / second);
}

Result<std::uint32_t> confirm() {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    auto word = read_active_as_written(*home);
    home->remove_if_empty();
    if (!word) return word.error();
    if (!word->pending) return nothing_waits(*word);
    auto confirmed = confirm_active(*home, *word);
    if (!confirmed) return confirmed.error();
    if (!*confirmed) {
        if (auto settled = settle(*home); !settled) return settled.error();
        (void)let_go(*home);
        return failed("the deadline was over: the policy before generation " + std::to_string(word->generation) +
                      " is in force again; push again");
    }
    // The policy is confirmed, whatever becomes of what it replaced: the next push tries that again.
    (void)let_go(*home);
    return word->generation;
}

Result<std::uint32_t> fall_back() {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    auto word = read_active_as_written(*home);
    home->remove_if_empty();
    if (!word) return word.error();
    if (!word->pending) return nothing_waits(*word);
    auto confirmation = read_confirmation(*home, *word);
    if (!confirmation) return confirmation.error();
    // Not exchanged: a packet has just done the same.
    auto exchanged = exchange_active(*home, *word, confirmation->fallback);
    if (!exchanged) return exchanged.error();
    (void)let_go(*home);
    return confirmation->fallback.generation;
}

Result<Standing> standing() {
    auto home = Home::look();
    if (!home) return home.error();
    auto word = read_active(*home);
    if (!word) return word.error();
    Standing standing;
    standing.fell_back = word->fell_back;
    if (!word->pending) return standing;
    auto confirmation = read_confirmation(*home, *word);
    if (!confirmation) return confirmation.error();
    auto left = seconds_left(*confirmation);
    if (!left) return left.error();
    standing.waiting = Waiting{word->generation, confirmation->fallback.generation, *left, word->bank};
    return standing;
}

Result<Ending> ending_of(const Waiting& push) {
    auto home = Home::look();
    if (!home) return home.error();
    auto word = read_active(*home);
    if (!word) return word.error();
    if (word->fell_back && word->generation == push.fallback) return Ending::kFellBack;
    // A card that is attached in the meantime makes the word's generation a newer one.
    if (word->generation < push.generation || word->bank != push.bank) return Ending::kReplaced;
    return word->pending ? Ending::kWaits : Ending::kConfirmed;
}

}  // namespace edgefw::kernel
