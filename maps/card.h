// SPDX-License-Identifier: GPL-2.0-only
// What a pinned card directory says about its card. What should be attached is remembered beside it, in /run
// (userspace/kernel/remembered.h).
#pragma once

#include "maps/abi.h"
#include "maps/active.h"

#define EDGEFW_INTERFACE_NAME 16  // IFNAMSIZ

// Where the received side is judged. NONE: not by XDP, but at tc ingress.
enum edgefw_xdp_mode { EDGEFW_XDP_NATIVE = 0, EDGEFW_XDP_GENERIC = 1, EDGEFW_XDP_NONE = 2 };
// The kind of tc hook: of the sent side, and of the received one where that is at tc ingress.
enum edgefw_egress { EDGEFW_EGRESS_TCX = 0, EDGEFW_EGRESS_CLSACT = 1 };

// Our filters at clsact. The lowest priority there is comes first: a filter before it could let a packet pass unjudged.
#define EDGEFW_TC_PRIORITY 1
// That at ingress is the same on every card and in every version, so that it can be found without a note.
#define EDGEFW_INGRESS_HANDLE 0xedf

// What XDP switches off on a card for as long as it lives, and nobody on again: bits of `switched_off`.
enum edgefw_offload { EDGEFW_OFFLOAD_LRO = 1, EDGEFW_OFFLOAD_GRO_HW = 2 };

// The fields up to filter_priority stay as they are in every version: a later one reads them of a card that it takes
// over (userspace/kernel/upgrade.cpp).
struct edgefw_card {
    __u32 abi;  // EDGEFW_ABI_VERSION
    __u32 ifindex;
    __u32 side;
    __u32 xdp_mode;
    __u32 egress;
    __u32 made_clsact;    // the qdisc is ours: detach removes it when nobody else uses it
    __u32 filter_handle;  // clsact: of our filter at egress
    __u32 filter_priority;
    __u32 bank_generation[EDGEFW_BANKS];  // of the policy in each bank; 0: none, everything passes
    __u32 counter_maps;                   // pinned counters_0 ... counters_(n-1); the last is counted in
    __u32 adopts_until;  // as in edgefw_config: set by the first push to a card attached without a policy
    // Which connection tables the programs of each bank use: those pinned as connections4_N, ...
    __u32 bank_tables[EDGEFW_BANKS];
    __u32 bank_older[EDGEFW_BANKS];  // from which ones connections still come over to these; 0: none
    char interface[EDGEFW_INTERFACE_NAME];
    __u32 switched_off;              // enum edgefw_offload: by our attach; detach switches them on again
    __u32 bank_drops[EDGEFW_BANKS];  // which ring the programs of each bank record in: that pinned as drops_N
    __u32 pad;
};
EDGEFW_ABI_SIZE(edgefw_card, 128);
