// SPDX-License-Identifier: GPL-2.0-only
// One decision, as `explain` reads it after a test run (edgefw_config.record).
#pragma once

#include "maps/abi.h"

struct edgefw_decision {
    __u32 sequence;  // grows by one a packet: proves that the record is of this run
    __u32 slot;      // counter slot of the rule or built-in, EDGEFW_SLOT_NONE: none
    __u16 nat;       // counter slot of the NAT entry that translated, 0: none
    __u8 verdict;    // enum edgefw_verdict
    __u8 reason;     // enum edgefw_reason
    __be32 local;    // where nat is not 0: the local end as the rules see it
    __be16 local_port;
    __u16 pad[3];
};
EDGEFW_ABI_SIZE(edgefw_decision, 24);
