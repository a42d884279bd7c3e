// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/closed.h"

#include <linux/bpf.h>
#include <linux/pkt_sched.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

#include "closed.skel.h"
#include "maps/config.h"
#include "maps/counters.h"
#include "userspace/base/fd.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {
namespace {

// The program of a hook, by the name that the kernel has for it: all of it fits.
constexpr const char* kPrograms[EDGEFW_HOOKS] = {"closed_received", "closed_sent"};
constexpr bpf_tc_attach_point kPoints[EDGEFW_HOOKS] = {BPF_TC_INGRESS, BPF_TC_EGRESS};
constexpr std::uint32_t kHandles[] = {EDGEFW_CLOSED_HANDLE_OWN_QDISC, EDGEFW_CLOSED_HANDLE};

bpf_tc_opts filter_of(std::uint32_t handle) {
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = EDGEFW_CLOSED_PRIORITY;
    return options;
}

struct Filtered {
    std::uint32_t handle = 0;
    std::uint32_t program = 0;  // its id
};

// tc says "closed_sent:[7]", and says it to everybody; of a program's id only CAP_SYS_ADMIN makes more.
bool is_own(int ifindex, edgefw_hook hook, std::uint32_t program) {
    const std::uint32_t point = hook == EDGEFW_RECEIVED ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
    const auto all = filters(ifindex, TC_H_MAKE(TC_H_CLSACT, point));
    if (!all) return false;
    return std::any_of(all->begin(), all->end(), [&](const Filter& filter) {
        return filter.program == program && filter.name.substr(0, filter.name.find(':')) == kPrograms[hook];
    });
}

// Our filter of a hook; a handle of 0: there is none. A filter of others that has the handle has another program. Two
// that closed the card at once may have left one under each handle: that of its own qdisc is found first.
Filtered find_filter(int ifindex, edgefw_hook hook) {
    for (const std::uint32_t handle : kHandles) {
        bpf_tc_hook at = clsact_hook(ifindex, kPoints[hook]);
        bpf_tc_opts options = filter_of(handle);
        if (bpf_tc_query(&at, &options) != 0) continue;
        if (is_own(ifindex, hook, options.prog_id)) return {handle, options.prog_id};
    }
    return {};
}

edgefw_closed_network network_of(const Prefix& prefix) {
    constexpr std::size_t kIpv4At = 12;
    const bool is_ipv4 = prefix.address.family == Family::kIpv4;
    const std::size_t begin = is_ipv4 ? kIpv4At : 0;
    std::uint8_t address[16] = {}, mask[16] = {};
    const auto bytes = prefix.address.bytes();
    for (std::size_t i = begin; i < sizeof(mask); i++) {
        address[i] = bytes[i - begin];
        const int bits = std::clamp(prefix.length - static_cast<int>(i - begin) * 8, 0, 8);
        mask[i] = static_cast<std::uint8_t>(0xff00 >> bits);
    }
    edgefw_closed_network network = {};
    network.family = is_ipv4 ? EDGEFW_IPV4 : EDGEFW_IPV6;
    std::memcpy(network.address, address, sizeof(address));
    std::memcpy(network.mask, mask, sizeof(mask));
    return network;
}

// Puts the program that closes a card at a hook. It replaces edgefw's own filter there, never somebody else's.
Result<Ok> put_filter(const Interface& interface, edgefw_hook hook, int program, std::uint32_t handle) {
    bpf_tc_hook at = clsact_hook(interface.index, kPoints[hook]);
    bpf_tc_opts options = filter_of(handle);
    options.prog_fd = program;
    if (find_filter(interface.index, hook).handle == handle) options.flags = BPF_TC_F_REPLACE;
    const int attached = bpf_tc_attach(&at, &options);
    if (attached == -EINVAL || attached == -EEXIST || attached == -ENOSPC) {
        const std::string point = hook == EDGEFW_RECEIVED ? "ingress" : "egress";
        return failed("another filter is in the place of the one that closes the card; look with `tc filter show dev " +
                      interface_name(interface.index) + " " + point + "` for priority " +
                      std::to_string(EDGEFW_CLOSED_PRIORITY) +
                      ", and with `tc qdisc` for an `ingress` qdisc, which has no egress");
    }
    if (attached != 0) return system_error(std::string("attaching ") + kPrograms[hook], attached);
    return Ok{};
}

Result<Ok> take_filters(int ifindex, edgefw_hook hook) {
    for (Filtered found = find_filter(ifindex, hook); found.handle != 0; found = find_filter(ifindex, hook)) {
        bpf_tc_hook at = clsact_hook(ifindex, kPoints[hook]);
        bpf_tc_opts options = filter_of(found.handle);
        const int detached = bpf_tc_detach(&at, &options);
        if (detached != 0 && detached != -ENOENT && detached != -ENODEV)
            return system_error(std::string("detaching ") + kPrograms[hook], detached);
    }
    return Ok{};
}

// The qdisc and both filters. What is there already stays until the new one is in its place.
Result<Ok> put_filters(const Interface& interface, const ProgramPair& programs) {
    bpf_tc_hook both = clsact_hook(interface.index, kBothClsact);
    const int made = bpf_tc_hook_create(&both);
    if (made != 0 && made != -EEXIST) return system_error("making a clsact qdisc", made);
    std::uint32_t handle = made == 0 ? EDGEFW_CLOSED_HANDLE_OWN_QDISC : EDGEFW_CLOSED_HANDLE;
    const bool was_closed = closure_of(interface.index) != Closure::kNone;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        const Filtered found = find_filter(interface.index, hook);
        if (found.handle != 0) handle = found.handle;
    }
    auto put = put_filter(interface, EDGEFW_RECEIVED, programs.received.get(), handle);
    if (put) put = put_filter(interface, EDGEFW_SENT, programs.sent.get(), handle);
    if (!put && !was_closed) {
        for (const edgefw_hook hook : {EDGEFW_SENT, EDGEFW_RECEIVED})
            (void)take_filters(interface.index, hook);
        if (made == 0) bpf_tc_hook_destroy(&both);
    }
    return put;
}

// Reads the map that the program of a closed card counts in: its per-CPU array. Returns nothing where this caller may
// not open the map.
std::optional<ClosedCounts> read_counts(const Filtered& filter) {
    const Fd program = Fd::own(bpf_prog_get_fd_by_id(filter.program));
    std::uint32_t ids[8] = {};
    bpf_prog_info info = {};
    info.nr_map_ids = std::size(ids);
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids);
    __u32 size = sizeof(info);
    if (!program.valid() || bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) return std::nullopt;
    for (std::size_t i = 0; i < std::min<std::size_t>(info.nr_map_ids, std::size(ids)); i++) {
        const Fd map = Fd::own(bpf_map_get_fd_by_id(ids[i]));
        bpf_map_info about = {};
        __u32 about_size = sizeof(about);
        if (!map.valid() || bpf_map_get_info_by_fd(map.get(), &about, &about_size) != 0) continue;
        if (about.type != BPF_MAP_TYPE_PERCPU_ARRAY || about.value_size != sizeof(edgefw_reason_counter)) continue;
        ClosedCounts counts;
        std::uint64_t* const sums[EDGEFW_CLOSED_COUNTS] = {&counts.passed, &counts.dropped};
        for (std::uint32_t index = 0; index < EDGEFW_CLOSED_COUNTS; index++) {
            std::vector<edgefw_reason_counter> values(static_cast<std::size_t>(cpus()));
            if (bpf_map_lookup_elem(map.get(), &index, values.data()) != 0) continue;
            for (const edgefw_reason_counter& value : values)
                *sums[index] += value.packets;
        }
        return counts;
    }
    return std::nullopt;
}

// One at a time closes or opens a card; the others wait, for 10 s at most. A lock that only root may take. Where there
// is no /run to have it in, they do without: a card is closed all the same.
Result<Fd> take_turn() {
    Fd lock = Fd::own(open("/run/edgefw.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) return lock;
    constexpr int kTries = 1000;
    constexpr useconds_t kPause = 10'000;
    for (int i = 0; i < kTries; i++) {
        if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
        usleep(kPause);
    }
    return failed("another edgefw has been closing or opening a card for 10 seconds; look for one that hangs");
}

Fd duplicate(const bpf_program* program) {
    return Fd::own(dup(bpf_program__fd(program)));
}

}  // namespace

Result<ProgramPair> load_closed(edgefw_link_layer link_layer, const ClosedRules& rules) {
    if (rules.ssh_from.size() > EDGEFW_CLOSED_NETWORKS)
        return failed("more than " + std::to_string(EDGEFW_CLOSED_NETWORKS) + " networks that may come by SSH");
    const std::unique_ptr<closed_bpf, void (*)(closed_bpf*)> skeleton(closed_bpf__open(), closed_bpf__destroy);
    if (!skeleton) return system_error("opening the programs of a closed card", errno);
    edgefw_closed closed = {};
    static_assert(sizeof(skeleton->rodata->closed) == sizeof(closed));
    closed.link_layer = link_layer;
    closed.ssh_port = rules.ssh_port;
    for (const Prefix& prefix : rules.ssh_from)
        closed.network[closed.networks++] = network_of(prefix);
    std::memcpy(const_cast<void*>(static_cast<const volatile void*>(&skeleton->rodata->closed)), &closed,
                sizeof(closed));
    const int result = closed_bpf__load(skeleton.get());
    if (result != 0) return system_error("loading the programs of a closed card", result);
    ProgramPair programs{duplicate(skeleton->progs.closed_received), duplicate(skeleton->progs.closed_sent)};
    if (!programs.received.valid() || !programs.sent.valid()) return system_error("keeping a program", errno);
    return programs;
}

Closure closure_of(int ifindex) {
    Closure closure = Closure::kNone;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        const std::uint32_t handle = find_filter(ifindex, hook).handle;
        if (handle == EDGEFW_CLOSED_HANDLE_OWN_QDISC) return Closure::kClosedOwnQdisc;
        if (handle != 0) closure = Closure::kClosed;
    }
    return closure;
}

std::vector<std::uint32_t> closing_programs(int ifindex) {
    std::vector<std::uint32_t> ids;
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        if (const Filtered filter = find_filter(ifindex, hook); filter.handle != 0) ids.push_back(filter.program);
    }
    return ids;
}

Result<Ok> open_up(int ifindex) {
    if (closure_of(ifindex) == Closure::kNone) return Ok{};
    const auto turn = take_turn();
    if (!turn) return turn.error();
    const Closure closure = closure_of(ifindex);
    for (const edgefw_hook hook : {EDGEFW_SENT, EDGEFW_RECEIVED}) {
        if (auto taken = take_filters(ifindex, hook); !taken) return taken.error();
    }
    if (closure != Closure::kClosedOwnQdisc) return Ok{};
    remove_unused_clsact(ifindex);
    return Ok{};
}

bool is_closed(const std::string& interface) {
    silence_libbpf();
    const auto found = find_interface(interface);
    return found && closing_programs(found->index).size() == EDGEFW_HOOKS;
}

Result<Ok> close(const std::string& interface, const ClosedRules& rules) {
    silence_libbpf();
    const auto turn = take_turn();
    if (!turn) return turn.error();
    const auto found = find_interface(interface);
    if (!found) return found.error();
    const auto programs = load_closed(found->is_ethernet() ? EDGEFW_ETHERNET : EDGEFW_NO_LINK, rules);
    if (!programs) return programs.error();
    return put_filters(*found, *programs);
}

Result<std::vector<ClosedCard>> closed_cards() {
    silence_libbpf();
    const auto all = links();
    if (!all) return all.error();
    std::vector<ClosedCard> cards;
    for (const Link& link : *all) {
        ClosedCard card{link.name, link.index, {}};
        bool is_closed = false;
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            const Filtered filter = find_filter(link.index, hook);
            if (filter.handle == 0) continue;
            is_closed = true;
            card.counts[hook] = read_counts(filter);
        }
        if (is_closed) cards.push_back(card);
    }
    return cards;
}

}  // namespace edgefw::kernel
