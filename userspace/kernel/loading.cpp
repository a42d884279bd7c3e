// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/loading.h"

#include <future>

namespace edgefw::kernel {

Result<std::vector<Loaded>> load_all(Inventory& inventory, const std::optional<std::string>& interface,
                                     const GenerationOf& generation_of) {
    std::vector<std::future<Result<ProgramPair>>> pairs;
    for (const auto& card : inventory.cards) {
        const bool selected = is_selected(card, interface);
        pairs.push_back(std::async(selected ? std::launch::async : std::launch::deferred, [&, selected] {
            return selected ? card.load(generation_of(card).generation) : card.programs_in(inventory.active.bank);
        }));
    }
    std::vector<Loaded> loaded;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        CardState& card = inventory.cards[i];
        auto programs = pairs[i].get();
        if (!programs) return programs.error();
        const std::uint32_t number =
            is_selected(card, interface) ? generation_of(card).number : inventory.generation_of(card);
        loaded.push_back({&card, std::move(*programs), number});
    }
    return loaded;
}

Result<Ok> fill(std::vector<Loaded>& all, std::uint32_t bank) {
    for (Loaded& entry : all) {
        if (auto filled = entry.card->fill_bank(bank, entry.programs, entry.generation); !filled) return filled;
    }
    return Ok{};
}

}  // namespace edgefw::kernel
