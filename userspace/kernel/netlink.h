// SPDX-License-Identifier: GPL-2.0-only
// Cards and addresses by netlink: /sys shows those of another namespace.
#pragma once

#include <linux/pkt_sched.h>

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

struct Interface {
    int index = 0;
    std::uint16_t type = 0;         // ARPHRD_*
    std::uint32_t xdp_program = 0;  // id of the program that holds the XDP hook; 0: none

    bool is_ethernet() const;
    // Whether its frames begin with the IP header (PPP, WireGuard, tun; IP tunnels).
    bool has_no_link_header() const;
};

// kFailed with the names there are when NAME is none of them.
Result<Interface> find_interface(const std::string& name);

// A card as rtnetlink tells it.
struct Link {
    int index = 0;
    std::string name;
    std::string address;      // of its link layer, as the kernel has it; empty: it has none
    std::uint16_t type = 0;   // ARPHRD_*
    std::uint32_t flags = 0;  // IFF_*
    std::uint32_t mtu = 0;
    std::string kind;  // "veth", "bridge", "vlan" ...; empty: not made by software, or not told
    int master = 0;    // index of the bridge or bond it is a port of; 0: none
    int below = 0;     // index of the card that a VLAN or macvlan lies on; 0: none, or in another namespace
    std::vector<std::uint32_t> xdp_programs = {};  // ids; more than one: in several modes at once
};
// Every card of this network namespace, in the order of their indices.
Result<std::vector<Link>> links();

// An address of a card, and the network that it says the card is in: of a point-to-point card that of the other end.
struct CardAddress {
    int index = 0;
    Address address;
    Prefix network;
};
// Returns the addresses of all cards of this network namespace, without those that turned out to be another host's
// (duplicate address detection failed).
Result<std::vector<CardAddress>> card_addresses();

// Name of a card by index; empty: gone.
std::string interface_name(int index);

// Whether the card takes VLAN tags off before XDP sees the frame (ethtool: rx-vlan-offload).
bool takes_vlan_tags_off(const std::string& name);
// Whether received frames may carry a checksum left to an offload: cards that are pieces of memory.
bool hands_up_partial_checksums(const std::string& name);

// A filter of tc; program and name: of those that are BPF.
struct Filter {
    std::string kind;  // "bpf", "flower" ...
    std::uint32_t program = 0;
    std::string name;
};
// Returns the filters at a clsact qdisc's ingress or egress (parent: as of count_filters()); none where there is no
// such qdisc.
Result<std::vector<Filter>> filters(int ifindex, std::uint32_t parent);

// Whether the kernel has a family of generic netlink.
bool has_netlink_family(const std::string& name);

// Filters at a clsact qdisc's ingress or egress (parent: TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_...)).
Result<int> count_filters(int ifindex, std::uint32_t parent);

}  // namespace edgefw::kernel
