// SPDX-License-Identifier: GPL-2.0-only
// What a network card is and who else is on it, read without touching it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maps/config.h"
#include "userspace/base/result.h"
#include "userspace/kernel/features.h"

namespace edgefw::kernel {

// A program or filter on one of a card's hooks.
struct HookedProgram {
    std::string hook;                    // "XDP", "tcx ingress", "tcx egress", "clsact ingress", "clsact egress"
    std::uint32_t id = 0;                // 0: a filter that is not BPF
    std::string name;                    // of the program, or the kind of filter; empty: the caller may not know
    Presence ours = Presence::kUnknown;  // whether edgefw attached it
};

enum class LinkLayer { kEthernet, kNone, kOther };

struct CardFacts {
    std::string name;
    int index = 0;
    std::string kind;    // "veth", "bridge", "vlan" ...; empty: not made by software, or not told
    std::string driver;  // empty: not told
    LinkLayer link_layer = LinkLayer::kEthernet;  // kNone: its packets begin with the IP header
    bool is_up = false;
    std::uint32_t mtu = 0;
    std::uint32_t receive_queues = 0;         // 0: not told
    Presence native = Presence::kUnknown;     // native XDP, as its driver tells since Linux 6.3
    Presence fragments = Presence::kUnknown;  // of frames, in native XDP
    std::string master, master_kind;          // the bridge or bond that it is a port of; empty: none
    std::string below;                        // the card that a VLAN or macvlan lies on; empty: none here
    bool merges = false;                      // large receive offload is on ("rx-lro")
    bool merges_in_hardware = false;          // "rx-gro-hw" is on
    bool takes_vlan_tags_off = false;
    bool can_keep_vlan_tags = false;  // with takes_vlan_tags_off: it can be told not to
    bool hands_up_partial_checksums = false;
    Presence attached = Presence::kUnknown;  // by edgefw
    bool is_closed = false;                  // maps/closed.h; false also where this caller may not see it
    Presence tcx_read = Presence::kUnknown;  // whether `programs` has those of tcx; kAbsent: the kernel has no tcx
    std::vector<HookedProgram> programs = {};
    int forwards_ipv4 = -1;  // net.ipv4.conf.NAME.forwarding; -1: not told
    int reverse_path = -1;   // rp_filter in force: 0 off, 1 strict, 2 loose; -1: not told
};

// What is on the tc hooks of one side of a card, in the order in which it runs: tcx first, then clsact. `tcx_read`,
// where given: as in CardFacts.
std::vector<HookedProgram> programs_at(int ifindex, edgefw_hook hook, Presence* tcx_read = nullptr);

// Every card of this network namespace but the loopback, in the order of their indices.
Result<std::vector<CardFacts>> list_cards();

}  // namespace edgefw::kernel
