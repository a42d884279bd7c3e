// SPDX-License-Identifier: GPL-2.0-only
// Writing a flow's key (maps/connection.h).
//
// A table hashes and compares the key in words of 8 bytes. A load of 8 bytes stalls behind smaller stores to the same
// place that have not left the processor yet (measured: 20 ns a lookup). So the key is stored in words of 8 bytes, too.
#pragma once

#include "bpf/packet.h"

#include <linux/in.h>

#define LITTLE_ENDIAN_HOST (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

// One word of two values that lie side by side in memory.
static __always_inline __u64 pair32(__u32 first, __u32 second) {
    return LITTLE_ENDIAN_HOST ? (__u64)second << 32 | first : (__u64)first << 32 | second;
}

static __always_inline __u32 pair16(__u16 first, __u16 second) {
    return LITTLE_ENDIAN_HOST ? (__u32)second << 16 | first : (__u32)first << 16 | second;
}

static __always_inline void set_key_addresses4(struct flow* flow, __be32 local, __be32 remote) {
    flow->key_word[0] = pair32(local, remote);
}

static __always_inline void set_key_addresses6(struct flow* flow, const __be32* local, const __be32* remote) {
    flow->key_word[0] = pair32(local[0], local[1]);
    flow->key_word[1] = pair32(local[2], local[3]);
    flow->key_word[2] = pair32(remote[0], remote[1]);
    flow->key_word[3] = pair32(remote[2], remote[3]);
}

// Sets ports and protocol. They are the same eight bytes at the end of both keys.
static __always_inline void set_key_end(struct flow* flow, __u32 protocol, __be16 local_port, __be16 remote_port) {
    // Protocol and its pad bytes: one word.
    const __u64 end = pair32(pair16(local_port, remote_port), LITTLE_ENDIAN_HOST ? protocol : protocol << 24);

    flow->key_word[flow->family == EDGEFW_IPV4 ? 1 : 4] = end;
}

// Sets the addresses of a frame seen at `hook`.
static __always_inline void set_addresses4(struct flow* flow, const __u32 hook, __be32 source, __be32 destination) {
    if (hook == EDGEFW_RECEIVED)
        set_key_addresses4(flow, destination, source);
    else
        set_key_addresses4(flow, source, destination);
}

static __always_inline void set_addresses6(struct flow* flow, const __u32 hook, const __be32* source,
                                           const __be32* destination) {
    if (hook == EDGEFW_RECEIVED)
        set_key_addresses6(flow, destination, source);
    else
        set_key_addresses6(flow, source, destination);
}

// The protocols beside TCP and UDP whose headers begin with two ports, as theirs do.
static __always_inline bool is_other_with_ports(__u32 protocol) {
    return protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

// Whether a masquerade may give connections of this protocol another port, or identifier. Ports are covered by a
// checksum: SCTP's (CRC32c) would have to be made anew over the whole packet. All other protocols keep theirs.
static __always_inline bool gets_public_port(__u32 protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP;
}

// Sets the ports of a packet seen at `hook`.
static __always_inline void set_ports(struct flow* flow, const __u32 hook, __u32 protocol, __be16 source,
                                      __be16 destination) {
    if (hook == EDGEFW_RECEIVED)
        set_key_end(flow, protocol, destination, source);
    else
        set_key_end(flow, protocol, source, destination);
    flow->has_ports = true;
}

// Sets the key's end of an echo. The end that sends the requests has the identifier as its port. So pinging one way and
// the other never share a key.
static __always_inline void set_echo(struct flow* flow, const __u32 hook, __u32 protocol, __be16 id, bool is_request) {
    if ((hook == EDGEFW_RECEIVED) == is_request)
        set_key_end(flow, protocol, 0, id);
    else
        set_key_end(flow, protocol, id, 0);
}
