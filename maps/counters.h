// SPDX-License-Identifier: GPL-2.0-only
// Counters, per CPU and card. They only grow, and keep their values over pushes.
#pragma once

#include "maps/abi.h"
#include "maps/connection.h"
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

// Of a table of connections, all its sizes together. Index: EDGEFW_TABLE_INDEX; what the control plane does to a table
// is in the elements behind these, of which it writes those of one CPU alone, under the lock.
struct edgefw_table_counter {
    __u64 inserted;  // connections that were entered
    __u64 removed;   // ended, moved on, or replaced by a later one of the same key; not what LRU recycled
    __u64 refused;   // that the kernel could not store
};
EDGEFW_ABI_SIZE(edgefw_table_counter, 24);

#define EDGEFW_TABLES (1u * EDGEFW_TABLE_COUNT * EDGEFW_FAMILIES)
#define EDGEFW_TABLE_INDEX(table, family) ((table)*EDGEFW_FAMILIES + (family))
#define EDGEFW_TABLE_COUNTERS (2 * EDGEFW_TABLES)

#define EDGEFW_REASON_COUNTERS (EDGEFW_HOOKS * 2 * EDGEFW_REASON_COUNT)
