// SPDX-License-Identifier: GPL-2.0-only
// A closed card: nothing judges it yet, and it passes only what a network and its operator cannot do without. The state
// of a card at boot until its policy is in force, where boot.conf says `on_boot_failure: closed`.
#pragma once

#include <linux/types.h>

#include "maps/abi.h"

// Our filters on a closed card, the same in every version: they are found by that and by their programs' names, so that
// nothing has to be written down where nothing can be. The lowest priority comes first.
#define EDGEFW_CLOSED_PRIORITY 1
#define EDGEFW_CLOSED_HANDLE 0xc105ed
#define EDGEFW_CLOSED_HANDLE_OWN_QDISC 0xc105ee  // the same, and the clsact qdisc was made for them

#define EDGEFW_CLOSED_NETWORKS 64

// IPv4 in the last word; network order.
struct edgefw_closed_network {
    __u32 family;  // enum edgefw_family
    __u32 address[4];
    __u32 mask[4];
};
EDGEFW_ABI_SIZE(edgefw_closed_network, 36);

struct edgefw_closed {
    __u32 link_layer;  // enum edgefw_link_layer
    __u32 ssh_port;
    __u32 networks;  // that may come by SSH
    struct edgefw_closed_network network[EDGEFW_CLOSED_NETWORKS];
};
EDGEFW_ABI_SIZE(edgefw_closed, 2316);

// What the program of one hook has passed and dropped.
enum edgefw_closed_count { EDGEFW_CLOSED_PASSED, EDGEFW_CLOSED_DROPPED, EDGEFW_CLOSED_COUNTS };
