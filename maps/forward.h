// Port forwards (destination NAT where the packet arrives, source NAT of the replies where they leave), IPv4.
//
// Two array maps hold the same entries: `forwards_in` is found by the public address, `forwards_out` by the target.
// Position: bucket edgefw_forward_bucket() in the first mask + 1 elements, then `next` links into the rest.
#pragma once

#include "maps/abi.h"

#define EDGEFW_FORWARD_USED 0x1u
#define EDGEFW_FORWARD_RETIRED 0x2u  // of an older policy: it finds connections to revoke and translates nothing

struct edgefw_forward {
    __be32 public_address;
    __be32 target_address;
    __be16 public_port;
    __be16 target_port;
    __u8 protocol;  // IPPROTO_TCP or IPPROTO_UDP
    __u8 flags;
    __u16 slot;  // counter slot, and the connection key's nat
    __u32 next;  // index of the next entry of this bucket, 0: none
    __u32 pad;
};
EDGEFW_ABI_SIZE(edgefw_forward, 24);

// A port's bit in config's forward_in_ports and forward_out_ports: most packets of other ports are told by it alone.
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
