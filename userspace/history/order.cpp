// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/history/order.h"

#include <algorithm>
#include <set>

namespace edgefw::history {
namespace {

bool was_on(const Facts& entry, const std::string& interface) {
    return !entry.one_card || std::find(entry.cards.begin(), entry.cards.end(), interface) != entry.cards.end();
}

}  // namespace

const Facts* find_in_force(const std::vector<Facts>& entries, const CardInForce& card, const std::string& boot) {
    if (card.generation == 0) return nullptr;
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Facts& entry) {
        const bool is_it = card.fell_back ? entry.generation < card.generation : entry.generation == card.generation;
        return entry.boot == boot && is_it && entry.digest == card.digest && was_on(entry, card.interface);
    });
    return found == entries.end() ? nullptr : &*found;
}

const Facts* find_before(const std::vector<Facts>& entries, const Facts& current, const std::string& interface) {
    const std::uint64_t place = current.from != 0 ? current.from : current.number;
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Facts& entry) {
        return entry.number < place && entry.digest != current.digest && was_on(entry, interface);
    });
    return found == entries.end() ? nullptr : &*found;
}

Result<Facts> rollback_of(const std::vector<Facts>& entries, const std::vector<CardInForce>& cards,
                          const std::string& boot) {
    const Facts* wanted = nullptr;
    std::string each;
    bool differs = false, none = false;
    for (const CardInForce& card : cards) {
        if (card.generation == 0) continue;
        const Facts* current = find_in_force(entries, card, boot);
        const Facts* before = current == nullptr ? nullptr : find_before(entries, *current, card.interface);
        each += (each.empty() ? "" : ", ") + card.interface +
                (before == nullptr ? " under none that is known" : " under entry " + std::to_string(before->number));
        none = none || before == nullptr;
        if (before == nullptr) continue;
        differs = differs || (wanted != nullptr && wanted->digest != before->digest);
        if (wanted == nullptr || wanted->number < before->number) wanted = before;
    }
    if (differs || (none && wanted != nullptr))
        return failed("the cards were under different policies before (" + each +
                      "): name a card with --iface, or an entry of `edgefw history`");
    if (wanted == nullptr)
        return failed(each.empty()
                          ? "no policy is in force that could be taken back; `edgefw history` lists what there "
                            "is, and `edgefw rollback N` pushes it"
                          : "the history has no other policy from before the one in force; `edgefw history` "
                            "lists what there is");
    return *wanted;
}

std::vector<std::uint64_t> superfluous(const std::vector<std::uint64_t>& numbers, const std::vector<Facts>& entries,
                                       const std::vector<CardInForce>& cards, const std::string& boot) {
    std::set<std::uint64_t> stay;
    if (!numbers.empty()) stay.insert(numbers.back());  // the next number is counted from it
    for (const CardInForce& card : cards) {
        const Facts* current = find_in_force(entries, card, boot);
        if (current == nullptr) continue;
        stay.insert(current->number);
        if (const Facts* before = find_before(entries, *current, card.interface)) stay.insert(before->number);
    }
    std::vector<std::uint64_t> go;
    for (const std::uint64_t number : numbers) {
        if (numbers.size() - go.size() <= kKept) break;
        if (!stay.contains(number)) go.push_back(number);
    }
    return go;
}

}  // namespace edgefw::history
