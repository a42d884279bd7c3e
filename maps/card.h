// What a pinned card directory says about its card: bpffs is the only place where edgefw keeps state.
#pragma once

#include "maps/abi.h"

#define EDGEFW_INTERFACE_NAME 16  // IFNAMSIZ

enum edgefw_xdp_mode { EDGEFW_XDP_NATIVE = 0, EDGEFW_XDP_GENERIC = 1 };
enum edgefw_egress { EDGEFW_EGRESS_TCX = 0, EDGEFW_EGRESS_CLSACT = 1 };

// The fields up to filter_priority stay as they are in every version: a later one reads them of a card that it takes
// over (userspace/kernel/upgrade.cpp).
struct edgefw_card {
    __u32 abi;  // EDGEFW_ABI_VERSION
    __u32 ifindex;
    __u32 side;
    __u32 xdp_mode;
    __u32 egress;
    __u32 made_clsact;    // the qdisc is ours: detach removes it when nobody else uses it
    __u32 filter_handle;  // clsact: of our filter
    __u32 filter_priority;
    __u32 slot_generation[2];  // of the policy in each program slot; 0: none, everything passes
    __u32 counter_maps;        // pinned counters_0 ... counters_(n-1); the last is counted in
    __u32 adopts_until;        // as in edgefw_config: set by the first push to a card attached without a policy
    __u32 slot_tables[2];  // which connection tables the programs of each slot use: those pinned as connections4_N, ...
    __u32 slot_older[2];   // from which ones connections still come over to these; 0: none
    char interface[EDGEFW_INTERFACE_NAME];
};
EDGEFW_ABI_SIZE(edgefw_card, 80);
