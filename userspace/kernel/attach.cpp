// SPDX-License-Identifier: GPL-2.0-only
// attach and detach: the entry programs on a card's hooks, and the card's pinned state.
#include <bpf/bpf.h>

#include <linux/bpf.h>
#include <linux/if_arp.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "maps/limits.h"
#include "userspace/kernel/closed.h"
#include "userspace/kernel/commit.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/driver.h"
#include "userspace/kernel/fallback.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/order.h"
#include "userspace/kernel/remembered.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

Result<Ok> hook_sent(CardState& state, const Fd& program, const AttachRequest& request) {
    edgefw_card card = state.card();
    Result<Fd> link = Fd();
    if (request.egress != Egress::kClsact) {
        link = attach_tcx(static_cast<int>(card.ifindex), program.get(), EDGEFW_SENT);
        if (link) {
            if (auto pinned = pin_link(*link, state.directory() + "/link_sent"); !pinned) return pinned.error();
        } else if (request.egress == Egress::kTcx || link.error().kind == ErrorKind::kNotPermitted) {
            return link.error();
        }
    }
    if (link && link->valid()) return Ok{};
    if (auto prepared = prepare_clsact(card); !prepared) return prepared;
    // Before the filter is there: killed behind this, it is found.
    if (auto written = state.write_card(card); !written) return written;
    return attach_clsact(program.get(), card);
}

// Puts a program at the receiving hook. At tc the hook is of the same kind as the sending one.
Result<Ok> hook_received(const CardState& state, const Fd& program, ReceivedHook& hook) {
    const edgefw_card& card = state.card();
    const std::string pin = state.directory() + "/link_received";
    if (hook.mode != EDGEFW_XDP_NONE) {
        if (auto replaced = replace_program(hook.link, program.get()); !replaced) return replaced.error();
        return pin_link(hook.link, pin);
    }
    if (card.egress == EDGEFW_EGRESS_CLSACT) return attach_clsact_ingress(program.get(), card);
    auto link = attach_tcx(static_cast<int>(card.ifindex), program.get(), EDGEFW_RECEIVED);
    if (!link) return link.error();
    return pin_link(*link, pin);
}

// Both hooks on the wire. The sending one first: what a host sends is tracked before its replies are judged.
Result<Ok> hook_up(CardState& state, const ProgramPair& entry, const AttachRequest& request, ReceivedHook& hook) {
    if (auto hooked = hook_sent(state, entry.sent, request); !hooked) return hooked.error();
    return hook_received(state, entry.received, hook);
}

// Returns the directory of an attached card, whichever version attached it. Empty: the card is not attached.
Result<std::string> directory_of(const Home& home, const std::string& interface) {
    auto foreign = foreign_cards(home);
    if (!foreign) return foreign.error();
    for (const ForeignCard& card : *foreign) {
        if (card.interface == interface) return card.directory;
    }
    auto inventory = take_inventory(home, OtherVersions::kLeftOut);
    if (!inventory) return inventory.error();
    const CardState* state = inventory->find(interface);
    return state == nullptr ? std::string() : state->directory();
}

edgefw_card new_card(const AttachRequest& request, const Interface& interface, edgefw_xdp_mode mode) {
    edgefw_card card = {};
    card.abi = EDGEFW_ABI_VERSION;
    card.ifindex = static_cast<__u32>(interface.index);
    card.side = static_cast<__u32>(request.side);
    card.xdp_mode = mode;
    request.interface.copy(card.interface, sizeof(card.interface) - 1);
    return card;
}

// The policy says how many connections a card has room for; without one, who attaches it.
policy::Capacity room_for(const AttachRequest& request) {
    if (request.policy) return request.policy->image.capacity;
    return capacity_of(request.connections != 0 ? request.connections : EDGEFW_CONNECTIONS_DEFAULT);
}

// Puts a pair into the banks that packets can come to: a card that is attached while a push waits to be confirmed keeps
// its policy, however that ends.
Result<Ok> fill_banks_in_use(const Inventory& inventory, CardState& state, const ProgramPair& programs,
                             std::uint32_t generation) {
    for (const std::uint32_t bank : inventory.banks_in_use()) {
        if (auto filled = state.fill_bank(bank, programs, generation); !filled) return filled;
    }
    return Ok{};
}

// A policy becomes a generation of its own without a flip: no other card has it.
Result<Ok> fill_banks(const Home& home, const Inventory& inventory, CardState& state, const AttachRequest& request,
                      std::uint32_t number) {
    if (!request.policy) {
        auto programs = state.load(nullptr);
        if (!programs) return programs.error();
        return fill_banks_in_use(inventory, state, *programs, 0);
    }
    auto prepared = prepare(home, inventory, *request.policy, number, &state);
    if (!prepared) return prepared.error();
    if (auto ready = prepare_counters(inventory, state, *prepared); !ready) return ready.error();
    auto programs = state.load(&prepared->generation);
    if (!programs) return programs.error();
    return fill_banks_in_use(inventory, state, *programs, number);
}

// A card whose hooks are to be put on the wire.
struct Built {
    CardState state;
    ProgramPair entry;
    ReceivedHook hook;
};

// The hook is claimed before anything is built: what judges is made for it.
Result<Built> build(const Home& home, const Inventory& inventory, const Interface& interface,
                    const AttachRequest& request, std::uint32_t number) {
    auto active = ActiveMaps::open_or_make(home);
    if (!active) return active.error();
    const std::uint32_t merging = merging_offloads(request.interface);
    auto hook = claim_received(request.interface, interface, request.mode);
    if (!hook) return hook.error();
    edgefw_card card = new_card(request, interface, hook->mode);
    card.switched_off = merging & ~merging_offloads(request.interface);
    auto state = CardState::create(home.card(interface.index), card, room_for(request));
    if (!state) {
        hook->link = Fd();
        restore_offloads(request.interface, card.switched_off);
        return state.error();
    }
    if (request.policy) {
        auto allowed = refuse_hidden_tags(request.policy->image, request.interface, state->received_at());
        if (!allowed) return allowed.error();
    }
    auto entry = state->load_entry(*active);
    if (!entry) return entry.error();
    if (auto filled = fill_banks(home, inventory, *state, request, number); !filled) return filled.error();
    return Built{std::move(*state), std::move(*entry), std::move(*hook)};
}

// Returns what the card does not do well because nothing can be remembered; empty: nothing.
std::string remember_or_warn(const Home& home, const edgefw_card& card) {
    const auto done = remember(home, card);
    if (done) return "";
    return std::string(card.interface) +
           " is not remembered as attached, and nobody will hear of a hook that it loses (" + done.error().message +
           ")";
}

enum class Memory { kKept, kForgotten };

// Off its hooks, with its state or without: what an attached card has lost may be its pins. Forgotten before that:
// killed behind it, what still holds is known as what nobody wants any more.
Result<Ok> take_off(const Home& home, std::uint32_t ifindex, Memory becomes) {
    const auto memory = remembered(home);
    if (!memory) return memory.error();
    const std::string directory = home.card(static_cast<int>(ifindex));
    if (becomes == Memory::kForgotten) forget(home, ifindex);
    const Remembered* known = find(*memory, ifindex);
    if (known != nullptr && known->card.egress == EDGEFW_EGRESS_CLSACT && !read_any_card(directory)) {
        if (auto detached = detach_clsact(known->card); !detached) return detached;
    }
    return take_down(directory);
}

// Returns the index of the card that a directory belongs to (the name comes from Home::card()).
std::uint32_t index_in(const std::string& directory) {
    return static_cast<std::uint32_t>(std::strtoul(directory.c_str() + directory.rfind('_') + 1, nullptr, 10));
}

bool is_known(const Home& home, int ifindex) {
    const auto memory = remembered(home);
    return (memory && find(*memory, static_cast<std::uint32_t>(ifindex)) != nullptr) || is_pinned(home.card(ifindex));
}

// A hook that a card has lost, with a program of `entry`.
Result<Ok> put_back_sent(CardState& state, const ProgramPair& entry) {
    edgefw_card card = state.card();
    if (card.egress == EDGEFW_EGRESS_TCX) {
        auto link = attach_tcx(static_cast<int>(card.ifindex), entry.sent.get(), EDGEFW_SENT);
        if (!link) return link.error();
        return pin_link_over(*link, state.directory() + "/link_sent");
    }
    if (auto prepared = prepare_clsact(card); !prepared) return prepared;
    if (auto written = state.write_card(card); !written) return written;
    return attach_clsact(entry.sent.get(), card);
}

Result<Ok> put_back_received(CardState& state, const ProgramPair& entry, const Interface& interface) {
    const std::string pin = state.directory() + "/link_received";
    edgefw_card card = state.card();
    if (card.xdp_mode != EDGEFW_XDP_NONE) {
        auto hook = claim_received(card.interface, interface, mode_of(card));
        if (!hook) return hook.error();
        if (auto replaced = replace_program(hook->link, entry.received.get()); !replaced) return replaced;
        return pin_link_over(hook->link, pin);
    }
    if (card.egress == EDGEFW_EGRESS_TCX) {
        auto link = attach_tcx(static_cast<int>(card.ifindex), entry.received.get(), EDGEFW_RECEIVED);
        if (!link) return link.error();
        return pin_link_over(*link, pin);
    }
    if (auto prepared = prepare_clsact(card); !prepared) return prepared;
    if (auto written = state.write_card(card); !written) return written;
    return attach_clsact_ingress(entry.received.get(), card);
}

Result<Ok> put_back(CardState& state, const ActiveMaps& active, const Interface& interface) {
    auto entry = state.load_entry(active);
    if (!entry) return entry.error();
    const Held hooks = held(state.directory());
    const Uninterrupted uninterrupted;
    if (!hooks.sent) {
        if (auto done = put_back_sent(state, *entry); !done) return done;
    }
    return hooks.received ? Result<Ok>(Ok{}) : put_back_received(state, *entry, interface);
}

Result<Ok> check_link(const std::string& name, const Interface& interface) {
    if (interface.type == ARPHRD_LOOPBACK)
        return failed(name + " joins the host to itself: there is no edge to filter; attach a card");
    if (!interface.is_ethernet() && !interface.has_no_link_header()) {
        return failed(name + " has frames that edgefw does not read (link type " + std::to_string(interface.type) +
                      "); it reads Ethernet, and IP without a link header");
    }
    return Ok{};
}

Result<Ok> check_request(const AttachRequest& request, const Interface& interface) {
    if (auto checked = check_link(request.interface, interface); !checked) return checked;
    if (request.connections != 0 && request.policy) {
        return Error{ErrorKind::kUsage,
                     "--connections is for a card without a policy; write `connections: { confirmed: " +
                         std::to_string(request.connections) + " }` in the policy instead"};
    }
    if (request.connections != 0 &&
        (request.connections < EDGEFW_CONNECTIONS_MIN || request.connections > EDGEFW_CONNECTIONS_MAX)) {
        return Error{ErrorKind::kUsage, "--connections is a number from " + std::to_string(EDGEFW_CONNECTIONS_MIN) +
                                            " to " + std::to_string(EDGEFW_CONNECTIONS_MAX)};
    }
    return Ok{};
}

}  // namespace

const char* to_text(ReceivedMode mode) {
    switch (mode) {
        case ReceivedMode::kNative:
            return "native";
        case ReceivedMode::kGeneric:
            return "generic";
        case ReceivedMode::kTc:
            return "tc";
        default:
            return "auto";
    }
}

const char* to_text(Egress egress) {
    switch (egress) {
        case Egress::kTcx:
            return "tcx";
        case Egress::kClsact:
            return "clsact";
        default:
            return "auto";
    }
}

Result<Card> attach(const AttachRequest& request) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto interface = find_interface(request.interface);
    if (!interface) return interface.error();
    if (auto checked = check_request(request, *interface); !checked) return checked.error();
    remove_stale_homes();
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    if (auto settled = settle(*home); !settled) return settled.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    const std::string directory = home->card(interface->index);
    if (held(directory).both()) {
        return failed(request.interface +
                      " is already attached; change its policy with `edgefw push`, or `edgefw detach " +
                      request.interface + "` first");
    }
    // A card that lost a hook keeps nothing of the earlier attach: it is attached as asked for now.
    const auto ifindex = static_cast<std::uint32_t>(interface->index);
    if (auto taken = take_off(*home, ifindex, Memory::kKept); !taken) return taken.error();
    inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    const std::uint32_t number = inventory->next_generation();
    const auto undo = [&] {
        (void)take_down(directory);
        if (request.policy) remove_directory(home->generation(number));
        home->remove_if_empty();
    };
    auto built = build(*home, *inventory, *interface, request, number);
    if (!built) {
        undo();
        return built.error();
    }
    const Uninterrupted uninterrupted;
    if (auto hooked = hook_up(built->state, built->entry, request, built->hook); !hooked) {
        built->hook = ReceivedHook();
        undo();
        return hooked.error();
    }
    const std::string unremembered = remember_or_warn(*home, built->state.card());
    if (request.policy) {
        if (auto noted = note_newest(*home, number); !noted) return noted.error();
    }
    inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    CardState* state = inventory->find(request.interface);
    if (state == nullptr) return failed(request.interface + " went away while it was being attached");
    // Last: until here a card that was closed is closed.
    if (auto opened = open_up(interface->index); !opened) return opened.error();
    Card card = describe(*inventory, *state, request.policy ? summarise(*request.policy) : Summary{});
    if (card.mode == ReceivedMode::kNative) card.warning = renew_receive_buffers(read_driver(request.interface));
    if (!unremembered.empty()) card.warning += (card.warning.empty() ? "" : "; ") + unremembered;
    return card;
}

Result<Ok> put_first(const std::string& interface) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    const CardState* state = inventory->find(interface);
    if (state == nullptr) {
        home->remove_if_empty();
        return not_attached(interface);
    }
    auto active = ActiveMaps::open_or_make(*home);
    if (!active) return active.error();
    return move_first(*state, *active);
}

Result<Ok> put_back(const std::string& interface) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    CardState* state = inventory->find(interface);
    const auto card = find_interface(interface);
    if (state == nullptr || !card) {
        home->remove_if_empty();
        if (!card || !is_known(*home, card->index)) return not_attached(interface);
        return failed(interface + " has lost what was pinned of it, too: edgefw attach " + interface +
                      " --policy FILE");
    }
    auto active = ActiveMaps::open_or_make(*home);
    if (!active) return active.error();
    return put_back(*state, *active, *card);
}

Result<Ok> mend() {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    remove_leftovers(*home);
    auto settled = settle(*home);
    if (settled) settled = let_go(*home);
    home->remove_if_empty();
    return settled;
}

Result<Ok> find_card(const std::string& interface) {
    auto found = find_interface(interface);
    if (!found) return found.error();
    return check_link(interface, *found);
}

Result<bool> is_attached(const std::string& interface) {
    silence_libbpf();
    auto home = Home::look();
    if (!home) return home.error();
    if (!home->exists()) return false;
    auto directory = directory_of(*home, interface);
    if (!directory) return directory.error();
    return !directory->empty() && held(*directory).both();
}

Result<Ok> open_closed(const std::string& interface) {
    silence_libbpf();
    auto found = find_interface(interface);
    if (!found) return found.error();
    return open_up(found->index);
}

Result<Ok> detach(const std::string& interface) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::lock();
    if (!home) return home.error();
    const auto card = find_interface(interface);
    // Also of one that a killed attach or detach has left, and of one that has lost hooks and pins.
    const bool is_there = card && is_known(*home, card->index);
    const Uninterrupted uninterrupted;
    remove_leftovers(*home);
    auto directory = directory_of(*home, interface);
    if (!directory) return directory.error();
    Result<Ok> result = Ok{};
    const bool is_closed = card && closure_of(card->index) != Closure::kNone;
    if (directory->empty() && !is_there && !is_closed) {
        result = not_attached(interface);
    } else {
        if (!directory->empty())
            result = take_off(*home, index_in(*directory), Memory::kForgotten);
        else if (is_there)
            result = take_off(*home, static_cast<std::uint32_t>(card->index), Memory::kForgotten);
        if (result && is_closed) result = open_up(card->index);
        // Cards of another version know their generations themselves: then they all stay.
        auto inventory = take_inventory(*home);
        if (inventory) remove_unused_generations(*home, *inventory);
    }
    home->remove_if_empty();
    return result;
}

}  // namespace edgefw::kernel
