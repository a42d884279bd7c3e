// SPDX-License-Identifier: GPL-2.0-only
// upgrade: cards that another version of edgefw attached come under this one, without a moment in which a hook is
// empty.
//
// Everything of the card is built beside it, in upgrade_<N>. Then its links get the new entry programs, one hook after
// the other, and the two directories change places in one call. Killed anywhere in between, both are there: what runs
// is pinned in one of them, the card is still the other version's, and the next upgrade begins anew.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "userspace/kernel/commit.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/fallback.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

Result<Fd> open_link(const std::string& path) {
    Fd link = Fd::own(bpf_obj_get(path.c_str()));
    if (!link.valid()) return system_error("opening " + path, errno);
    return link;
}

// Both hooks are filters. The received one first: what it ran cannot be given back, and without it nothing is judged.
Result<Ok> take_filters(const ForeignCard& foreign, const ProgramPair& entry) {
    if (auto replaced = replace_clsact_ingress(entry.received.get(), foreign.card); !replaced) return replaced.error();
    return replace_clsact(entry.sent.get(), foreign.card);
}

// The received hook first: its link can be given back the program it had.
Result<Ok> take_hooks(const ForeignCard& foreign, const CardState& state, const ProgramPair& entry) {
    if (state.received_at() == ReceivedAt::kTcIngress && foreign.card.egress == EDGEFW_EGRESS_CLSACT)
        return take_filters(foreign, entry);
    auto received = open_link(foreign.directory + "/link_received");
    if (!received) return received.error();
    Fd sent;
    if (foreign.card.egress == EDGEFW_EGRESS_TCX) {
        auto link = open_link(foreign.directory + "/link_sent");
        if (!link) return link.error();
        sent = std::move(*link);
        if (auto pinned = pin_link(sent, state.directory() + "/link_sent"); !pinned) return pinned.error();
    }
    if (auto pinned = pin_link(*received, state.directory() + "/link_received"); !pinned) return pinned.error();
    auto before = program_of(*received);
    if (!before) return before.error();
    if (auto replaced = replace_program(*received, entry.received.get()); !replaced) return replaced.error();
    auto replaced =
        sent.valid() ? replace_program(sent, entry.sent.get()) : replace_clsact(entry.sent.get(), foreign.card);
    if (!replaced) (void)replace_program(*received, before->get());
    return replaced;
}

// What stays as it was: the card and its hooks.
edgefw_card card_of(const ForeignCard& foreign) {
    edgefw_card card = foreign.card;
    card.abi = EDGEFW_ABI_VERSION;
    foreign.interface.copy(card.interface, sizeof(card.interface) - 1);
    return card;
}

Result<Ok> build_beside(const Home& home, const Inventory& inventory, const ForeignCard& foreign,
                        const Prepared& prepared, const std::string& directory) {
    auto active = ActiveMaps::open_or_make(home);
    if (!active) return active.error();
    auto state = CardState::create(directory, card_of(foreign), prepared.capacity);
    if (!state) return state.error();
    auto entry = state->load_entry(*active);
    if (!entry) return entry.error();
    if (auto ready = prepare_counters(inventory, *state, prepared); !ready) return ready.error();
    auto config = prepared.generation.config(state->side());
    if (!config) return config.error();
    state->note_adoption(config->adopt, true);
    auto programs = state->load(&prepared.generation);
    if (!programs) return programs.error();
    if (auto filled = state->fill_bank(inventory.active.bank, *programs, prepared.number); !filled)
        return filled.error();
    const Uninterrupted uninterrupted;
    return take_hooks(foreign, *state, *entry);
}

Result<Ok> take_over(const Home& home, const Inventory& inventory, const ForeignCard& foreign,
                     const Prepared& prepared) {
    const auto numbers = home.upgrades();
    const std::string directory = home.upgrade(numbers.empty() ? 0 : numbers.back() + 1);
    if (auto built = build_beside(home, inventory, foreign, prepared, directory); !built) {
        remove_directory(directory);
        return built.error();
    }
    if (renameat2(AT_FDCWD, directory.c_str(), AT_FDCWD, foreign.directory.c_str(), RENAME_EXCHANGE) != 0)
        return system_error("putting the card in the place of the older one", errno);
    return note_newest(home, prepared.number);
}

}  // namespace

Result<std::vector<std::string>> upgrade(const Compiled& policy) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    if (auto settled = settle(*home); !settled) return settled.error();
    auto inventory = take_inventory(*home, OtherVersions::kLeftOut);
    if (!inventory) return inventory.error();
    if (inventory->confirmation)
        return failed("a push waits to be confirmed; first `edgefw confirm`, or `edgefw rollback`");
    auto foreign = foreign_cards(*home);
    if (!foreign) return foreign.error();
    std::vector<std::string> taken;
    if (foreign->empty()) {
        home->remove_if_empty();
        return taken;
    }
    for (const ForeignCard& card : *foreign) {
        if (auto allowed = refuse_hidden_tags(policy.image, card.interface, received_at(card.card)); !allowed)
            return allowed.error();
    }
    const std::uint32_t number = inventory->next_generation();
    auto prepared = prepare(*home, *inventory, policy, number);
    if (!prepared) return prepared.error();
    for (const ForeignCard& card : *foreign) {
        if (auto done = take_over(*home, *inventory, card, *prepared); !done) {
            if (taken.empty()) remove_directory(home->generation(number));
            return failed(card.interface + " was not taken over: " + done.error().message);
        }
        taken.push_back(card.interface);
    }
    for (const std::uint32_t older : home->upgrades())
        remove_directory(home->upgrade(older));
    inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    remove_unused_generations(*home, *inventory);
    return taken;
}

}  // namespace edgefw::kernel
