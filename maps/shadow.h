// SPDX-License-Identifier: GPL-2.0-only
// The shadow: a second policy, whose rules are asked what the rules in force were asked, and which decides nothing.
// What it would decide differently is counted here, for each pair of rules.
#pragma once

#include "maps/abi.h"

#define EDGEFW_SHADOW_DIFFERENCES 4096  // pairs of rules of a card; what is beyond is counted as `uncounted`

// Which rule in force decides, and which rule of the shadow would decide otherwise.
struct edgefw_shadow_difference {
    __u32 slot;          // counter slot of the rule in force, EDGEFW_SLOT_NONE: the default
    __u32 shadow_slot;   // likewise of the shadow's, among its own slots
    __u8 hook;           // enum edgefw_hook that sees the opener
    __u8 verdict;        // enum edgefw_verdict in force; the shadow's is the other one
    __u8 reason;         // enum edgefw_reason in force: RULE, DEFAULT, MARTIAN or UNSUPPORTED_ETHERTYPE
    __u8 shadow_reason;  // likewise
};
EDGEFW_ABI_SIZE(edgefw_shadow_difference, 12);

struct edgefw_shadow_count {
    __u64 packets;      // on the wire, that the rules decided
    __u64 connections;  // opened before the shadow was there, and asked about once
};
EDGEFW_ABI_SIZE(edgefw_shadow_count, 16);

struct edgefw_shadow_totals {
    __u64 asked;      // packets and connections that the shadow was asked about
    __u64 different;  // of these it would decide otherwise
    __u64 uncounted;  // of these no pair of rules tells
};
EDGEFW_ABI_SIZE(edgefw_shadow_totals, 24);
