#include "userspace/kernel/inventory.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "userspace/kernel/hooks.h"
#include "userspace/kernel/netlink.h"

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

// The receiving hook comes last: with it a card is whole. A filter has no pin, and is asked for.
bool is_whole(const std::string& directory) {
    const std::string link = directory + "/link_received";
    if (is_pinned(link)) return link_is_alive(link);
    auto card = read_any_card(directory);
    return card && card->xdp_mode == EDGEFW_XDP_NONE && card->egress == EDGEFW_EGRESS_CLSACT &&
           holds_clsact_ingress(*card);
}

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

}  // namespace

CardState* Inventory::find(const std::string& interface) {
    const auto found = std::find_if(cards.begin(), cards.end(),
                                    [&](const CardState& state) { return interface == state.card().interface; });
    return found == cards.end() ? nullptr : &*found;
}

std::uint32_t Inventory::next_generation() const {
    std::uint32_t newest = active.generation;
    for (const auto& card : cards)
        newest = std::max({newest, card.generation_in(0), card.generation_in(1)});
    return newest + 1;
}

Result<Ok> write_active(const Home& home, ActiveWord active) {
    auto map = Map::open_pinned(home.active());
    if (!map) return map.error();
    return map->set(0, active.word());
}

std::vector<std::uint32_t> generations_in_force(const Inventory& inventory) {
    std::vector<std::uint32_t> numbers;
    for (const auto& card : inventory.cards)
        numbers.push_back(inventory.generation_of(card));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

Result<ActiveWord> read_active(const Home& home) {
    if (!home.exists() || !is_pinned(home.active())) return ActiveWord{};
    auto map = Map::open_pinned(home.active());
    if (!map) return map.error();
    auto word = map->at<std::uint64_t>(0);
    if (!word) return word.error();
    return ActiveWord::from(*word);
}

Result<std::vector<ForeignCard>> foreign_cards(const Home& home) {
    std::vector<ForeignCard> foreign;
    for (const std::uint32_t ifindex : home.cards()) {
        const std::string directory = home.card(static_cast<int>(ifindex));
        if (!is_whole(directory)) continue;
        auto card = read_any_card(directory);
        if (!card) return card.error();
        if (card->abi != EDGEFW_ABI_VERSION)
            foreign.push_back({directory, interface_name(static_cast<int>(ifindex)), *card});
    }
    return foreign;
}

Result<Inventory> take_inventory(const Home& home, OtherVersions others) {
    Inventory inventory;
    if (!home.exists()) return inventory;
    // The word is read again at the end: a flip between would show the slots of one generation as another's.
    for (int attempt = 0; attempt < 10; attempt++) {
        auto before = read_active(home);
        if (!before) return before.error();
        inventory = Inventory{*before, {}};
        for (const std::uint32_t ifindex : home.cards()) {
            const std::string directory = home.card(static_cast<int>(ifindex));
            if (!is_whole(directory)) continue;
            if (others == OtherVersions::kLeftOut) {
                auto card = read_any_card(directory);
                if (card && card->abi != EDGEFW_ABI_VERSION) continue;
            }
            auto state = CardState::open(directory, before->slot);
            if (!state) return state.error();
            inventory.cards.push_back(std::move(*state));
        }
        auto after = read_active(home);
        if (!after) return after.error();
        if (*before == *after) break;
    }
    return inventory;
}

void remove_leftovers(const Home& home) {
    for (const std::uint32_t ifindex : home.cards()) {
        const std::string directory = home.card(static_cast<int>(ifindex));
        if (is_whole(directory)) continue;
        auto card = read_any_card(directory);
        if (card && card->egress == EDGEFW_EGRESS_CLSACT) (void)detach_clsact(*card);
        if (card && card->switched_off != 0 && !interface_name(static_cast<int>(card->ifindex)).empty())
            restore_offloads(card->interface, card->switched_off);
        remove_directory(directory);
    }
}

void remove_unused_generations(const Home& home, const Inventory& inventory) {
    for (const std::uint32_t number : home.generations()) {
        const bool used = std::any_of(inventory.cards.begin(), inventory.cards.end(),
                                      [&](const CardState& card) { return inventory.generation_of(card) == number; });
        if (!used) remove_directory(home.generation(number));
    }
}

std::string digest_of(const std::string& document) {
    const auto json = nlohmann::json::parse(document, nullptr, false);
    return json.is_object() ? json.value("digest", "") : "";
}

Card describe(const Inventory& inventory, const CardState& state, const std::string& digest) {
    Card card;
    card.interface = state.card().interface;
    card.ifindex = static_cast<int>(state.card().ifindex);
    card.side = state.side();
    card.mode = mode_of(state.card());
    card.egress = state.card().egress == EDGEFW_EGRESS_TCX ? Egress::kTcx : Egress::kClsact;
    card.generation = inventory.generation_of(state);
    card.digest = digest;
    const std::uint32_t now = uptime(), until = state.card().adopts_until;
    if (card.generation != 0 && until > now) card.adopts = until - now;
    const std::uint32_t slot = inventory.active.slot;
    if (auto id = state.received().at<std::uint32_t>(slot)) card.received_program = *id;
    if (auto id = state.sent().at<std::uint32_t>(slot)) card.sent_program = *id;
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
    return failed("no card is attached in this network namespace; first: edgefw attach IFACE");
}

Error not_attached(const std::string& interface) {
    return failed(interface + " is not attached; `edgefw status` lists the cards that are");
}

}  // namespace edgefw::kernel
