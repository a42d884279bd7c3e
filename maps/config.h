// SPDX-License-Identifier: GPL-2.0-only
// What a program instance is specialised by: its read-only constants. The verifier removes the code they rule out.
// The same struct is pinned with the generation (one per side), so that `explain` loads what is in force. What the
// policy says is written in userspace/image/config.h, what the machine and the card add in userspace/kernel/config.h.
#pragma once

#include "maps/abi.h"
#include "maps/classes.h"
#include "maps/connection.h"
#include "maps/tree.h"

// What a card's frames begin with.
enum edgefw_link_layer {
    EDGEFW_ETHERNET = 0,
    EDGEFW_NO_LINK = 1,  // the IP header
};

// Kinds of protocols, by the states that their connections have.
#define EDGEFW_KIND_TCP 0x1u
#define EDGEFW_KIND_UDP 0x2u
#define EDGEFW_KIND_ICMP 0x4u  // of both families
#define EDGEFW_KIND_OTHER 0x8u
#define EDGEFW_KINDS_ALL 0xfu
#define EDGEFW_KINDS 4  // bits

#define EDGEFW_MARTIANS 32  // of each family: networks that no packet from outside can come from, beside fixed ones

// Network order; no bit of an address is beyond its mask.
struct edgefw_martian4 {
    __be32 address;
    __be32 mask;
};
EDGEFW_ABI_SIZE(edgefw_martian4, 8);

struct edgefw_martian6 {
    __be32 address[4];
    __be32 mask[4];
};
EDGEFW_ABI_SIZE(edgefw_martian6, 32);

struct edgefw_config {
    __u32 generation;                     // of the policy; 0: none was pushed
    __u32 side;                           // enum edgefw_side
    __u32 armed;                          // 0: no policy, everything passes
    __u32 builtins;                       // bit n: enum edgefw_builtin n is on
    __u32 default_outcome[EDGEFW_HOOKS];  // EDGEFW_OUTCOME_PASS, _KEEP; slot none
    __u32 class_table[EDGEFW_FAMILIES];   // enum edgefw_class_table
    __u32 translates;                     // this side has NAT entries of any kind
    __u32 has_forwards;                   // destinations: port forwards or static ones, retired ones among them
    __u32 has_statics;                    // some of them are static
    __u32 forwards_open;                  // some of them are port forwards whose target opens by its public end
    __u32 masquerades;                    // elements of the list; 0: none is of this side
    __u32 forward_in_mask;
    __u32 forward_in_seed;
    __u32 forward_out_mask;
    __u32 forward_out_seed;
    __u32 keeps_state;       // some rule or default of this side keeps state
    __u64 forward_in_ports;  // edgefw_forward_bit() of each public port
    __u32 masquerade_first;  // lowest and highest public port of this side's masquerades, host order
    __u32 masquerade_last;
    __u32 partial_checksums;  // the card can hand up received packets with a checksum left to offload
    __u32 record;             // `explain`: write each decision to the `decision` map
    struct edgefw_forest forest[EDGEFW_HOOKS][EDGEFW_FAMILIES];
    struct edgefw_forest link_forest[EDGEFW_HOOKS];  // of frames that are not IP
    __u32 timeout[EDGEFW_STATE_COUNT];               // jiffies
    __u32 fragment_timeout;                          // jiffies
    __u32 settled;                                   // jiffies of EDGEFW_SETTLED_SECONDS
    __u32 reserved;                                  // jiffies of EDGEFW_RESERVED_SECONDS
    __u32 comes_over;  // connections still come over from the tables before these (a push resizes)
    // Of the policy: for how long after the first one of a card TCP in mid-stream is adopted, seconds; 0: not at all.
    __u32 adopt;
    __u32 adopts_until;  // of the card: the end of that, seconds of CLOCK_MONOTONIC; 0: it adopts nothing
    __u32 link_layer;    // enum edgefw_link_layer of the card
    __u32 kinds;         // EDGEFW_KIND_* that this side may have connections of: no table is asked for another one
    // For the push after this one. Of the policy: EDGEFW_KIND_* that it passes, so that older connections of these go
    // on.
    __u32 passes;
    // Until when there may be connections of the kind that an earlier policy passed, by bit; seconds of
    // CLOCK_MONOTONIC.
    __u32 kept_until[EDGEFW_KINDS];
    __u32 rollback_grace;  // of the policy, seconds: for how long after a push revoked connections are kept
    // Until when a connection that this policy revokes is kept, so that another one may let it go on; seconds of
    // CLOCK_MONOTONIC; 0: none is.
    __u32 retains_until;
    // Which packets are recorded (maps/record.h). Of the policy: all that drop; those that some rule of it logs.
    __u32 records_drops;
    __u32 records_logged;
    // Of the card: a processor's records, and how many of them are the small part's; 0: nothing is recorded.
    __u32 records;
    __u32 rare_records;
    __u32 record_interval;  // jiffies from one record of a reason to the next, where they go on
    __u32 rare_interval;    // likewise in the small part
    __u32 record_window;    // jiffies in which a flow has one record
    __u32 shadow;           // number of the shadow that is asked what these rules are asked (bpf/shadow.h); 0: none is
    // Of a policy that is in force again under a newer number: the generation that had it first; 0: this one has.
    __u32 repeats;
    // Connections of this generation and newer ones are of this very policy, which a shadow has begun or ended under:
    // they go on as they are. 0: none is but its own.
    __u32 unbroken_since;
    __u32 tells_vlans;  // some rule of the policy names a VLAN: connections and fragments are each of one
    __u32 class_lengths[EDGEFW_FAMILIES];  // how many of these are used; 0: the class table is no hash
    struct edgefw_class_length4 class_length4[EDGEFW_CLASS_LENGTHS];  // longest first
    struct edgefw_class_length6 class_length6[EDGEFW_CLASS_LENGTHS];
    __u32 martians[EDGEFW_FAMILIES];  // how many of these are used
    struct edgefw_martian4 martian4[EDGEFW_MARTIANS];
    struct edgefw_martian6 martian6[EDGEFW_MARTIANS];
};
EDGEFW_ABI_ASSERT(sizeof(struct edgefw_config) % 8 == 0, "edgefw_config has hidden padding");
