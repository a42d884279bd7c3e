// SPDX-License-Identifier: GPL-2.0-only
// Datagrams in flight whose first fragment has passed, for the later ones. One that drops is not remembered: a flood of
// those pushes nothing out. Addresses are those on the wire at the hook. RFC 8200 section 4.5: an IPv6 datagram is
// (source, destination, identification), without protocol. `vlan`: as EDGEFW_FIELD_VLAN, under a policy that names one.
#pragma once

#include "maps/abi.h"

struct edgefw_fragment4_key {
    __be32 source;
    __be32 destination;
    __u32 id;  // IPv4: 16 bits, zero extended; as on the wire
    __u8 protocol;
    __u8 hook;
    __u16 vlan;
};
EDGEFW_ABI_SIZE(edgefw_fragment4_key, 16);

struct edgefw_fragment6_key {
    __be32 source[4];
    __be32 destination[4];
    __u32 id;
    __u16 hook;
    __u16 vlan;
};
EDGEFW_ABI_SIZE(edgefw_fragment6_key, 40);

struct edgefw_fragment {
    __u64 seen;      // jiffies at the first fragment
    __u32 rule;      // counter slot
    __be32 address;  // received: the new destination, sent: the new source; where nat is not 0
    __u16 nat;       // counter slot of the NAT entry, 0: untranslated
    __u16 pad[3];
};
EDGEFW_ABI_SIZE(edgefw_fragment, 24);
