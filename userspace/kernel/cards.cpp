// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/cards.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/bpf.h>
#include <linux/pkt_sched.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>

#include "userspace/base/fd.h"
#include "userspace/kernel/closed.h"
#include "userspace/kernel/ethtool.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {
namespace {

// enum netdev_xdp_act of linux/netdev.h (Linux 6.3).
constexpr std::uint64_t kXdpBasic = 1;
constexpr std::uint64_t kXdpFragments = 32;

constexpr std::uint32_t kProgramsMax = 64;  // BPF_MPROG_MAX: more do not fit a tcx hook

int read_sysctl(const std::string& path) {
    int value = -1;
    if (std::ifstream file("/proc/sys/" + path); file) file >> value;
    return value;
}

LinkLayer link_layer_of(const Link& link) {
    const Interface interface { link.index, link.type };
    if (interface.is_ethernet()) return LinkLayer::kEthernet;
    return interface.has_no_link_header() ? LinkLayer::kNone : LinkLayer::kOther;
}

// Ids of the two maps that the entry programs of an attached card, and no other programs, use.
using OwnMaps = std::set<std::uint32_t>;

OwnMaps own_maps(const Home& home, int ifindex) {
    OwnMaps ids;
    for (const char* name : {"/received", "/sent"}) {
        const Result<Map> map = Map::open_pinned(home.card(ifindex) + name);
        if (map) ids.insert(map->id());
    }
    return ids;
}

// What the kernel says of a program, where it tells this caller.
void describe(HookedProgram& program, const OwnMaps& own) {
    if (program.id == 0) {
        program.ours = Presence::kAbsent;
        return;
    }
    const Fd fd = Fd::own(bpf_prog_get_fd_by_id(program.id));
    std::uint32_t maps[64] = {};
    bpf_prog_info info = {};
    info.nr_map_ids = std::size(maps);
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps);
    __u32 size = sizeof(info);
    if (!fd.valid() || bpf_prog_get_info_by_fd(fd.get(), &info, &size) != 0) return;
    program.name = info.name;
    const auto end = maps + std::min<std::size_t>(info.nr_map_ids, std::size(maps));
    const bool ours = std::any_of(maps, end, [&](std::uint32_t id) { return own.contains(id); });
    program.ours = ours ? Presence::kPresent : Presence::kAbsent;
}

Presence add_tcx(std::vector<HookedProgram>& programs, int ifindex, bpf_attach_type hook, const char* name) {
    std::uint32_t ids[kProgramsMax] = {};
    LIBBPF_OPTS(bpf_prog_query_opts, options, .prog_ids = ids, .count = kProgramsMax);
    if (bpf_prog_query_opts(ifindex, hook, &options) != 0)
        return errno == EINVAL ? Presence::kAbsent : Presence::kUnknown;
    for (std::uint32_t i = 0; i < options.count; ++i)
        programs.push_back({name, ids[i], ""});
    return Presence::kPresent;
}

void add_filters(std::vector<HookedProgram>& programs, int ifindex, std::uint32_t side, const char* name) {
    const Result<std::vector<Filter>> found = filters(ifindex, TC_H_MAKE(TC_H_CLSACT, side));
    if (!found) return;
    for (const Filter& filter : *found)
        programs.push_back({name, filter.program, filter.program != 0 ? filter.name : filter.kind});
}

void read_programs(CardFacts& card, const Link& link, const Result<Home>& home) {
    for (const std::uint32_t id : link.xdp_programs)
        card.programs.push_back({"XDP", id, ""});
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        for (HookedProgram& program : programs_at(card.index, hook, &card.tcx_read))
            card.programs.push_back(std::move(program));
    }
    const OwnMaps own = home ? own_maps(*home, card.index) : OwnMaps();
    const std::vector<std::uint32_t> closing = closing_programs(card.index);
    card.is_closed = !closing.empty();
    for (HookedProgram& program : card.programs) {
        describe(program, own);
        if (std::find(closing.begin(), closing.end(), program.id) != closing.end()) program.ours = Presence::kPresent;
    }
    // Without a bpffs nothing of edgefw can be attached; where the folder is there and closed, nobody knows.
    if (home || home.error().kind != ErrorKind::kNotPermitted)
        card.attached = own.empty() ? Presence::kAbsent : Presence::kPresent;
}

void read_driver(CardFacts& card, bool tells_xdp) {
    card.driver = driver_of(card.name);
    card.receive_queues = receive_queues_of(card.name);
    const Offloads offloads = offloads_of(card.name);
    card.merges = offloads.on.contains("rx-lro");
    card.merges_in_hardware = offloads.on.contains("rx-gro-hw");
    card.takes_vlan_tags_off = takes_vlan_tags_off(card.name);
    card.can_keep_vlan_tags = offloads.changeable.contains("rx-vlan-hw-parse");
    card.hands_up_partial_checksums = hands_up_partial_checksums(card.name);
    LIBBPF_OPTS(bpf_xdp_query_opts, options);
    if (!tells_xdp || bpf_xdp_query(card.index, 0, &options) != 0) return;
    const auto has = [&](std::uint64_t flag) {
        return (options.feature_flags & flag) != 0 ? Presence::kPresent : Presence::kAbsent;
    };
    card.native = has(kXdpBasic);
    if (card.native == Presence::kPresent) card.fragments = has(kXdpFragments);
}

void read_settings(CardFacts& card) {
    const std::string folder = "net/ipv4/conf/";
    card.forwards_ipv4 = read_sysctl(folder + card.name + "/forwarding");
    // The larger of the two is in force.
    card.reverse_path = std::max(read_sysctl(folder + card.name + "/rp_filter"), read_sysctl(folder + "all/rp_filter"));
}

}  // namespace

std::vector<HookedProgram> programs_at(int ifindex, edgefw_hook hook, Presence* tcx_read) {
    const bool received = hook == EDGEFW_RECEIVED;
    std::vector<HookedProgram> programs;
    const Presence read =
        add_tcx(programs, ifindex, received ? kTcxIngress : kTcxEgress, received ? "tcx ingress" : "tcx egress");
    if (tcx_read != nullptr) *tcx_read = read;
    add_filters(programs, ifindex, received ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS,
                received ? "clsact ingress" : "clsact egress");
    return programs;
}

Result<std::vector<CardFacts>> list_cards() {
    silence_libbpf();
    const Result<std::vector<Link>> all = links();
    if (!all) return all.error();
    const auto find = [&](int index) {
        const auto found =
            std::find_if(all->begin(), all->end(), [&](const Link& link) { return link.index == index; });
        return index == 0 || found == all->end() ? Link{} : *found;
    };
    const bool tells_xdp = has_netlink_family("netdev");
    const Result<Home> home = Home::look();
    std::vector<CardFacts> cards;
    for (const Link& link : *all) {
        if ((link.flags & IFF_LOOPBACK) != 0) continue;
        CardFacts card;
        card.name = link.name;
        card.index = link.index;
        card.kind = link.kind;
        card.link_layer = link_layer_of(link);
        card.is_up = (link.flags & IFF_UP) != 0;
        card.mtu = link.mtu;
        card.master = find(link.master).name;
        card.master_kind = find(link.master).kind;
        card.below = find(link.below).name;
        read_driver(card, tells_xdp);
        read_settings(card);
        read_programs(card, link, home);
        cards.push_back(std::move(card));
    }
    return cards;
}

}  // namespace edgefw::kernel
