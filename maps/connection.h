// Connections: one LRU table per card and family, shared by both hooks.
#pragma once

#include "maps/abi.h"

// The key is the same for both directions of a connection. Addresses and ports are those the rules see: on the
// external card of a port forward the local end is the target. `nat` keeps a connection through the public address
// apart from a direct one to the same target: the two never share an entry. ICMP echo: the identifier is the port of
// the end that sends the requests, the other port is 0. Protocols without ports: both ports 0.
struct edgefw_connection4_key {
    __be32 local;
    __be32 remote;
    __be16 local_port;
    __be16 remote_port;
    __u8 protocol;
    __u8 pad;
    __u16 nat;  // counter slot of the forward, 0: untranslated
};
EDGEFW_ABI_SIZE(edgefw_connection4_key, 16);

struct edgefw_connection6_key {
    __be32 local[4];
    __be32 remote[4];
    __be16 local_port;
    __be16 remote_port;
    __u8 protocol;
    __u8 pad;
    __u16 nat;
};
EDGEFW_ABI_SIZE(edgefw_connection6_key, 40);

// X(identifier, policy key and text name, default timeout in seconds, why that long)
#define EDGEFW_CONNECTION_STATES(X)                                                                \
    X(TCP_OPENING, "tcp-opening", 60, "a SYN and its retransmissions, no reply yet")               \
    X(TCP_ESTABLISHED, "tcp-established", 86400, "longer than RFC 5382 asks (2 h 4 min)")          \
    X(TCP_CLOSING_OPENER, "tcp-closing", 120, "the opener sent FIN, the other end may still send") \
    X(TCP_CLOSING_OTHER, "tcp-closing", 120, "the other end sent FIN")                             \
    X(TCP_CLOSED, "tcp-closed", 10, "FIN from both, or RST: last ACKs and retransmissions")        \
    X(UDP_ONE_WAY, "udp-one-way", 60, "no reply seen yet")                                         \
    X(UDP_TWO_WAY, "udp-two-way", 300, "RFC 4787 REQ-5 recommends 5 minutes")                      \
    X(ECHO, "icmp-echo", 60, "RFC 5508 REQ-2")                                                     \
    X(OTHER_ONE_WAY, "other-one-way", 60, "as UDP")                                                \
    X(OTHER_TWO_WAY, "other-two-way", 600, "tunnels are quiet for long")

#define EDGEFW_CONNECTION_STATE_ENUM(identifier, name, seconds, why) EDGEFW_STATE_##identifier,
enum edgefw_connection_state { EDGEFW_CONNECTION_STATES(EDGEFW_CONNECTION_STATE_ENUM) EDGEFW_STATE_COUNT };
#undef EDGEFW_CONNECTION_STATE_ENUM

struct edgefw_connection {
    __u32 generation;    // that last judged it
    __u32 rule;          // counter slot of the rule that opened it, EDGEFW_SLOT_NONE: the default did
    __u32 seen;          // low 32 bits of jiffies at the last packet
    __u32 opened;        // likewise at the first
    __u8 hook;           // enum edgefw_hook of the opener
    __u8 state;          // enum edgefw_connection_state
    __u16 detail;        // what the opener had in EDGEFW_FIELD_DETAIL: to judge it again
    __u16 vlan;          // what the opener had in EDGEFW_FIELD_VLAN
    __be16 public_port;  // the opener's untranslated destination; 0 where nat is 0
    __be32 public_address;
    __u32 pad;
};
EDGEFW_ABI_SIZE(edgefw_connection, 32);
