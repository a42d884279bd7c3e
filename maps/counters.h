// Counters, per CPU and card. They only grow, and keep their values over pushes.
#pragma once

#include "maps/abi.h"
#include "maps/reasons.h"

// Of a rule, NAT entry or built-in; index: its slot.
struct edgefw_counter {
    __u64 packets;      // frames on the wire: a GSO packet of 15 segments is 15
    __u64 bytes;        // Ethernet frames without FCS
    __u64 connections;  // opened
};
EDGEFW_ABI_SIZE(edgefw_counter, 24);

// Of a reason; index: (hook * 2 + verdict) * EDGEFW_REASON_COUNT + reason.
struct edgefw_reason_counter {
    __u64 packets;
    __u64 bytes;
};
EDGEFW_ABI_SIZE(edgefw_reason_counter, 16);

#define EDGEFW_REASON_COUNTERS (EDGEFW_HOOKS * 2 * EDGEFW_REASON_COUNT)
