// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/inventory.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <algorithm>

#include "userspace/kernel/clock.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/order.h"
#include "userspace/kernel/remembered.h"
#include "userspace/kernel/shadow.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

bool link_is_alive(const std::string& path) {
    const Fd link = Fd::own(bpf_obj_get(path.c_str()));
    bpf_link_info info = {};
    __u32 size = sizeof(info);
    // The link of a card that is gone says 0; one of a card that moved to another namespace names none of ours.
    return link.valid() && bpf_link_get_info_by_fd(link.get(), &info, &size) == 0 && info.xdp.ifindex != 0 &&
           !interface_name(static_cast<int>(info.xdp.ifindex)).empty();
}

// What is known of a card that is pinned or remembered.
HookedCard hooked_card(const edgefw_card& card, const std::string& interface) {
    HookedCard hooked;
    hooked.interface = interface;
    hooked.ifindex = static_cast<int>(card.ifindex);
    hooked.side = static_cast<policy::Side>(card.side);
    hooked.mode = mode_of(card);
    hooked.egress = egress_of(card);
    return hooked;
}

// Absent: nothing to tell of.
std::optional<HookedCard> look_at(const std::string& directory, std::uint32_t ifindex, const Remembered* memory) {
    const std::string interface = interface_name(static_cast<int>(ifindex));
    const Held hooks = held(directory);
    auto card = read_any_card(directory);
    if (memory == nullptr && (hooks.none() || interface.empty())) return std::nullopt;
    if (!card && memory == nullptr) card = edgefw_card{};
    HookedCard hooked = hooked_card(card ? *card : memory->card, interface);
    hooked.ifindex = static_cast<int>(ifindex);
    hooked.holds[EDGEFW_RECEIVED] = hooks.received;
    hooked.holds[EDGEFW_SENT] = hooks.sent;
    hooked.is_unfinished = memory == nullptr && !hooks.both();
    hooked.is_pinned = hooks.both() || (card && CardState::open(directory, 0));
    if (card) hooked.forerunners = forerunners(*card, directory);
    return hooked;
}

std::vector<HookedCard> look_at_all(const Home& home, const std::vector<Remembered>& memory) {
    std::vector<HookedCard> cards;
    const auto pinned = home.cards();
    for (const std::uint32_t ifindex : pinned) {
        auto card = look_at(home.card(static_cast<int>(ifindex)), ifindex, find(memory, ifindex));
        if (card) cards.push_back(std::move(*card));
    }
    for (const Remembered& one : memory) {
        if (std::find(pinned.begin(), pinned.end(), one.card.ifindex) != pinned.end()) continue;
        cards.push_back(hooked_card(one.card, interface_name(static_cast<int>(one.card.ifindex))));
    }
    return cards;
}

bool is_unfinished(const HookedCard& card) {
    return card.is_unfinished;
}

}  // namespace

ReceivedMode mode_of(const edgefw_card& card) {
    switch (card.xdp_mode) {
        case EDGEFW_XDP_NATIVE:
            return ReceivedMode::kNative;
        case EDGEFW_XDP_GENERIC:
            return ReceivedMode::kGeneric;
        default:
            return ReceivedMode::kTc;
    }
}

Egress egress_of(const edgefw_card& card) {
    return card.egress == EDGEFW_EGRESS_TCX ? Egress::kTcx : Egress::kClsact;
}

// A filter has no pin, and is asked for.
Held held(const std::string& card_directory) {
    const auto card = read_any_card(card_directory);
    const bool at_clsact = card && card->egress == EDGEFW_EGRESS_CLSACT;
    const bool received_at_clsact = at_clsact && card->xdp_mode == EDGEFW_XDP_NONE;
    return {received_at_clsact ? clsact_program(*card, EDGEFW_RECEIVED) != 0
                               : link_is_alive(card_directory + "/link_received"),
            at_clsact ? clsact_program(*card, EDGEFW_SENT) != 0 : link_is_alive(card_directory + "/link_sent")};
}

CardState* Inventory::find(const std::string& interface) {
    const auto found = std::find_if(cards.begin(), cards.end(),
                                    [&](const CardState& state) { return interface == state.card().interface; });
    return found == cards.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> Inventory::banks_in_use() const {
    if (!confirmation) return {active.bank};
    return {active.bank, confirmation->fallback.bank};
}

std::uint32_t Inventory::next_generation() const {
    std::uint32_t newest = active.generation;
    if (confirmation) newest = std::max(newest, confirmation->fallback.generation);
    for (const auto& card : cards) {
        for (std::uint32_t bank = 0; bank < EDGEFW_BANKS; bank++)
            newest = std::max(newest, card.generation_in(bank));
    }
    return newest + 1;
}

Result<Ok> note_newest(const Home& home, std::uint32_t number) {
    for (;;) {
        auto word = read_active_as_written(home);
        if (!word) return word.error();
        ActiveWord newest = *word;
        newest.generation = number;
        auto written = exchange_active(home, *word, newest);
        if (!written) return written.error();
        if (*written) return Ok{};  // else a packet has just fallen back
    }
}

namespace {

std::vector<std::uint32_t> generations_in(const Inventory& inventory, const std::vector<std::uint32_t>& banks) {
    std::vector<std::uint32_t> numbers;
    for (const auto& card : inventory.cards) {
        for (const std::uint32_t bank : banks)
            numbers.push_back(card.generation_in(bank));
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

}  // namespace

std::vector<std::uint32_t> generations_in_force(const Inventory& inventory) {
    return generations_in(inventory, {inventory.active.bank});
}

std::vector<std::uint32_t> generations_in_use(const Inventory& inventory) {
    return generations_in(inventory, inventory.banks_in_use());
}

Result<std::vector<ForeignCard>> foreign_cards(const Home& home) {
    std::vector<ForeignCard> foreign;
    const auto memory = remembered(home);
    if (!memory) return memory.error();
    for (const std::uint32_t ifindex : home.cards()) {
        const std::string directory = home.card(static_cast<int>(ifindex));
        auto card = read_any_card(directory);
        if (!held(directory).both() && find(*memory, ifindex) == nullptr) continue;
        if (!card) return card.error();
        if (card->abi != EDGEFW_ABI_VERSION)
            foreign.push_back({directory, interface_name(static_cast<int>(ifindex)), *card});
    }
    return foreign;
}

Result<Inventory> take_inventory(const Home& home, OtherVersions others) {
    Inventory inventory;
    if (!home.exists()) return inventory;
    const auto memory = remembered(home);
    if (!memory) return memory.error();
    // The word is read again at the end: a flip between would show the slots of one generation as another's.
    for (int attempt = 0; attempt < 10; attempt++) {
        auto before = read_active(home);
        if (!before) return before.error();
        inventory = Inventory{*before, {}};
        if (before->pending) {
            auto confirmation = read_confirmation(home, *before);
            if (!confirmation) return confirmation.error();
            inventory.confirmation = *confirmation;
        }
        for (const std::uint32_t ifindex : home.cards()) {
            const std::string directory = home.card(static_cast<int>(ifindex));
            const bool is_whole = held(directory).both();
            if (!is_whole && kernel::find(*memory, ifindex) == nullptr) continue;
            if (others == OtherVersions::kLeftOut) {
                auto card = read_any_card(directory);
                if (card && card->abi != EDGEFW_ABI_VERSION) continue;
            }
            auto state = CardState::open(directory, before->bank);
            if (!state && !is_whole) continue;  // its pins are lost, too: hooked_cards() tells
            if (!state) return state.error();
            inventory.cards.push_back(std::move(*state));
        }
        auto after = read_active(home);
        if (!after) return after.error();
        if (*before == *after) break;
    }
    return inventory;
}

Result<Ok> take_down(const std::string& directory) {
    auto card = read_any_card(directory);
    if (card && card->egress == EDGEFW_EGRESS_CLSACT) {
        if (auto detached = detach_clsact(*card); !detached) return detached.error();
    }
    // A link whose last reference goes is taken off a moment later, and its program would find the tables of programs
    // empty meanwhile: it drops. So the hooks are empty first.
    for (const char* name : {"/link_received", "/link_sent"}) {
        const Fd link = Fd::own(bpf_obj_get((directory + name).c_str()));
        if (link.valid()) bpf_link_detach(link.get());
    }
    if (card && card->switched_off != 0) {
        const std::string name = interface_name(static_cast<int>(card->ifindex));
        if (!name.empty()) restore_offloads(name, card->switched_off);
    }
    remove_directory(directory);
    return Ok{};
}

void remove_leftovers(const Home& home) {
    const auto memory = remembered(home);
    if (!memory) return;
    const Uninterrupted uninterrupted;
    for (const std::uint32_t ifindex : home.cards()) {
        const std::string directory = home.card(static_cast<int>(ifindex));
        remove_unfinished_move(directory);
        const bool is_remembered = find(*memory, ifindex) != nullptr;
        if (!held(directory).both()) {
            if (!is_remembered) (void)take_down(directory);
            continue;
        }
        auto card = read_any_card(directory);
        if (is_remembered || !card) continue;
        interface_name(static_cast<int>(ifindex)).copy(card->interface, sizeof(card->interface) - 1);
        (void)remember(home, *card);
    }
    forget_gone(home);
}

// Who changes something goes through half states: they are those of a killed one where nobody does.
Result<std::vector<HookedCard>> hooked_cards(const Home& home) {
    auto memory = remembered(home);
    if (!memory) return memory.error();
    std::vector<HookedCard> cards = look_at_all(home, *memory);
    if (std::none_of(cards.begin(), cards.end(), is_unfinished)) return cards;
    const bool looked = home.while_nobody_changes([&] {
        memory = remembered(home);
        if (memory) cards = look_at_all(home, *memory);
    });
    if (!memory) return memory.error();
    if (!looked) std::erase_if(cards, is_unfinished);
    return cards;
}

void remove_unused_generations(const Home& home, const Inventory& inventory) {
    const auto used = generations_in_use(inventory);
    for (const std::uint32_t number : home.generations()) {
        if (!std::binary_search(used.begin(), used.end(), number)) remove_directory(home.generation(number));
    }
    remove_unused_shadows(home, inventory);
}

Card describe(const Inventory& inventory, const CardState& state, const Summary& summary) {
    Card card;
    card.interface = state.card().interface;
    card.ifindex = static_cast<int>(state.card().ifindex);
    card.side = state.side();
    card.mode = mode_of(state.card());
    card.egress = egress_of(state.card());
    card.generation = inventory.generation_of(state);
    const std::uint32_t now = uptime(), until = state.card().adopts_until;
    if (card.generation != 0 && until > now) card.adopts = until - now;
    const std::uint32_t bank = inventory.active.bank;
    if (auto id = state.received().at<std::uint32_t>(bank)) card.received_program = *id;
    if (auto id = state.sent().at<std::uint32_t>(bank)) card.sent_program = *id;
    card.forerunners = forerunners(state.card(), state.directory());
    card.digest = summary.digest;
    card.without_rules = summary.is_without_rules(card.side);
    return card;
}

Error nothing_attached() {
    const auto closed = closed_cards();
    if (closed && !closed->empty()) {
        const std::string& name = closed->front().interface;
        return failed("no card is attached in this network namespace, " + name +
                      " is closed until its policy is in force; look with `edgefw status`, then: edgefw attach " +
                      name + " --policy FILE");
    }
    const auto hooked = hooked_cards();
    if (hooked && !hooked->empty() && !hooked->front().is_unfinished) {
        const std::string& name = hooked->front().interface;
        return failed(name +
                      " was attached and does not filter any more, what was pinned of it is gone: edgefw attach " +
                      name + " --policy FILE");
    }
    return failed("no card is attached in this network namespace; first: edgefw attach IFACE");
}

Error not_attached(const std::string& interface) {
    return failed(interface + " is not attached; `edgefw status` lists the cards that are");
}

}  // namespace edgefw::kernel
