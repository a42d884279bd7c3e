// Datagrams in flight: what became of the first fragment, for the later ones. Addresses are those on the wire at the
// hook. RFC 8200 section 4.5: an IPv6 datagram is (source, destination, identification), without protocol.
#pragma once

#include "maps/abi.h"

struct edgefw_fragment4_key {
    __be32 source;
    __be32 destination;
    __u32 id;  // IPv4: 16 bits, zero extended; as on the wire
    __u8 protocol;
    __u8 hook;
    __u16 pad;
};
EDGEFW_ABI_SIZE(edgefw_fragment4_key, 16);

struct edgefw_fragment6_key {
    __be32 source[4];
    __be32 destination[4];
    __u32 id;
    __u32 hook;
};
EDGEFW_ABI_SIZE(edgefw_fragment6_key, 40);

struct edgefw_fragment {
    __u32 seen;  // low 32 bits of jiffies at the first fragment
    __u32 rule;  // counter slot
    __u8 verdict;
    __u8 pad;
    __u16 nat;       // counter slot of the NAT entry, 0: untranslated
    __be32 address;  // received: the new destination, sent: the new source; where nat is not 0
};
EDGEFW_ABI_SIZE(edgefw_fragment, 16);
