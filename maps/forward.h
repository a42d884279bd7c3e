// SPDX-License-Identifier: GPL-2.0-only
// NAT entries, IPv4. All of them translate the local end: between how it is outside (public) and inside (target).
//
// Destinations of what is received, port forwards (an entry a port) and static ones (port and protocol 0: all of the
// address): the array map `forwards_in`, found by the public end. Sources of what opens from inside: the same entries
// by their inside end in `forwards_out`, likewise; masquerades in a list, below. Replies of a connection need no entry:
// the connection knows its public end.
//
// Position: bucket edgefw_forward_bucket() in the first mask + 1 elements, then `next` links into the rest.
#pragma once

#include "maps/abi.h"

#define EDGEFW_FORWARD_USED 0x1u
#define EDGEFW_FORWARD_RETIRED 0x2u  // of an older policy: it finds connections to revoke and translates nothing
#define EDGEFW_FORWARD_ON(side) (0x4u << (side))  // translates on cards of this side (enum edgefw_side)
#define EDGEFW_FORWARD_OPENS 0x10u  // what its target opens from the forwarded port leaves by the public end

struct edgefw_forward {
    __be32 public_address;
    __be32 target_address;
    __be16 public_port;  // 0: static
    __be16 target_port;
    __u8 protocol;  // IPPROTO_TCP or IPPROTO_UDP; 0: static
    __u8 flags;
    __u16 slot;  // counter slot
    __u32 next;  // index of the next entry of this bucket, 0: none
    __u32 pad;
};
EDGEFW_ABI_SIZE(edgefw_forward, 24);

// Of openers that are sent from `inside` to `remote`: the first entry of the list that matches gives the source.
struct edgefw_masquerade {
    __be32 inside;
    __be32 inside_mask;
    __be32 remote;
    __be32 remote_mask;
    __be32 public_address;
    __u16 first;  // of the public ports, host order
    __u16 last;
    __be16 remote_port;  // 0: any
    __u8 protocol;       // 0: any
    __u8 flags;          // EDGEFW_FORWARD_ON
    __u16 slot;
    __u16 keeps_parity;  // UDP: an even port gets an even one (RFC 4787 REQ-4)
};
EDGEFW_ABI_SIZE(edgefw_masquerade, 32);

// A port's bit in config's forward_in_ports: most packets of other ports are told by it alone.
static inline __u64 edgefw_forward_bit(__be16 port) {
    return 1ull << ((port ^ port >> 8) & 63);
}

// Where an entry lies is part of the layout, so its one definition is here. `seed` is chosen by the compiler so that no
// bucket holds more than EDGEFW_MAX_FORWARD_CHAIN entries.
static inline __u32 edgefw_forward_bucket(__be32 address, __be16 port, __u8 protocol, __u32 seed, __u32 mask) {
    __u32 hash = (__u32)address * 0x9e3779b1u ^ (((__u32)port << 8 | protocol) + seed) * 0x85ebca6bu;

    hash ^= hash >> 15;
    hash *= 0x2c1b3c6du;
    hash ^= hash >> 13;
    return hash & mask;
}
