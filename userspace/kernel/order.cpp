// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/order.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "userspace/kernel/cards.h"
#include "userspace/kernel/closed.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/uninterrupted.h"

namespace edgefw::kernel {
namespace {

std::string link_path(const std::string& card_directory, edgefw_hook hook) {
    return card_directory + (hook == EDGEFW_RECEIVED ? "/link_received" : "/link_sent");
}

// A second link, until it takes the first one's name.
std::string later_path(const std::string& card_directory, edgefw_hook hook) {
    return link_path(card_directory, hook) + "_later";
}

// Whether the hook is at tc, where other programs can stand before edgefw.
bool is_at_tc(const edgefw_card& card, edgefw_hook hook) {
    return hook == EDGEFW_SENT || card.xdp_mode == EDGEFW_XDP_NONE;
}

bool is_at_clsact(const edgefw_card& card) {
    return card.egress == EDGEFW_EGRESS_CLSACT;
}

// Id of our program at a tc hook; 0: it is not there, or this caller may not look.
std::uint32_t own_program(const edgefw_card& card, const std::string& card_directory, edgefw_hook hook) {
    if (is_at_clsact(card)) return clsact_program(card, hook);
    const Fd link = Fd::own(bpf_obj_get(link_path(card_directory, hook).c_str()));
    bpf_link_info info = {};
    __u32 size = sizeof(info);
    if (!link.valid() || bpf_link_get_info_by_fd(link.get(), &info, &size) != 0) return 0;
    return info.prog_id;
}

// What runs before `own`, in order; empty where that does not run.
std::vector<HookedProgram> before(std::vector<HookedProgram> programs, std::uint32_t own) {
    const auto place =
        std::find_if(programs.begin(), programs.end(), [&](const HookedProgram& program) { return program.id == own; });
    if (own == 0 || place == programs.end()) return {};
    programs.erase(place, programs.end());
    return programs;
}

std::string name_of(std::uint32_t program) {
    const Fd fd = Fd::own(bpf_prog_get_fd_by_id(program));
    bpf_prog_info info = {};
    __u32 size = sizeof(info);
    if (!fd.valid() || bpf_prog_get_info_by_fd(fd.get(), &info, &size) != 0) return "";
    return info.name;
}

Result<Ok> move_first(const CardState& state, edgefw_hook hook, const Fd& program) {
    const std::string path = link_path(state.directory(), hook);
    const Fd old = Fd::own(bpf_obj_get(path.c_str()));
    if (!old.valid()) return system_error("opening " + path, errno);
    auto link = attach_tcx(static_cast<int>(state.card().ifindex), program.get(), hook);
    if (!link) return link.error();
    // Killed within this both judge, until the next change of a card takes the second one off.
    if (auto pinned = pin_link_over(*link, path); !pinned) return pinned;
    bpf_link_detach(old.get());  // at once: with its last reference it would go a moment later
    return Ok{};
}

}  // namespace

std::vector<Forerunner> forerunners(const edgefw_card& card, const std::string& card_directory) {
    const int ifindex = static_cast<int>(card.ifindex);
    std::vector<Forerunner> found;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        if (!is_at_tc(card, hook)) continue;
        const std::vector<std::uint32_t> closing = closing_programs(ifindex);
        const std::uint32_t own = own_program(card, card_directory, hook);
        for (const HookedProgram& program : before(programs_at(ifindex, hook), own)) {
            if (std::find(closing.begin(), closing.end(), program.id) != closing.end()) continue;
            // tc says "theirs:[7]", and says it to everybody.
            const std::string name = name_of(program.id);
            found.push_back({program.hook, program.id, name.empty() ? program.name : name});
        }
    }
    return found;
}

void remove_unfinished_move(const std::string& card_directory) {
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        const std::string later = later_path(card_directory, hook);
        const Fd link = Fd::own(bpf_obj_get(later.c_str()));
        if (!link.valid()) continue;
        bpf_link_detach(link.get());
        unlink(later.c_str());
    }
}

Result<Ok> move_first(const CardState& state, const ActiveMaps& active) {
    const edgefw_card& card = state.card();
    if (is_at_clsact(card)) {
        return failed(std::string(state.card().interface) +
                      " is attached at clsact, where each filter's place is its owner's: remove those before it, or "
                      "attach it with --egress tcx");
    }
    const Uninterrupted uninterrupted;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        if (!is_at_tc(card, hook)) continue;
        const auto others =
            before(programs_at(static_cast<int>(card.ifindex), hook), own_program(card, state.directory(), hook));
        if (others.empty()) continue;
        // Another pair: a program stands at a hook once.
        auto entry = state.load_entry(active);
        if (!entry) return entry.error();
        auto moved = move_first(state, hook, hook == EDGEFW_RECEIVED ? entry->received : entry->sent);
        if (!moved) return moved;
    }
    return Ok{};
}

}  // namespace edgefw::kernel
