// Cards and addresses by netlink: /sys shows those of another namespace.
#pragma once

#include <linux/pkt_sched.h>

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/host.h"

namespace edgefw::kernel {

struct Interface {
    int index = 0;
    std::uint16_t type = 0;         // ARPHRD_*
    std::uint32_t xdp_program = 0;  // id of the program that holds the XDP hook; 0: none

    bool is_ethernet() const;
    // Whether its frames begin with the IP header (ppp, WireGuard, tun; IP tunnels).
    bool has_no_link_header() const;
};

// kFailed with the names there are when NAME is none of them.
Result<Interface> find_interface(const std::string& name);
// Name of a card by index; empty: gone.
std::string interface_name(int index);

// Whether the card takes VLAN tags off before XDP sees the frame (ethtool: rx-vlan-offload).
bool takes_vlan_tags_off(const std::string& name);
// Whether received frames may carry a checksum left to an offload: cards that are pieces of memory.
bool hands_up_partial_checksums(const std::string& name);

// Filters at a clsact qdisc's ingress or egress (parent: TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_...)).
Result<int> count_filters(int ifindex, std::uint32_t parent);

}  // namespace edgefw::kernel
