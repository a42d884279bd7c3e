// SPDX-License-Identifier: GPL-2.0-only
// Connections: three LRU tables per card and family, shared by both hooks. A connection is half open until its opener
// has sent again after the other end answered (TCP: acknowledging that answer; else: EDGEFW_SETTLED_SECONDS or more
// after its first packet), and until then it is in the table `openings`; then it is confirmed and moves to
// `connections` (TCP) or `datagrams` (all else). Whoever floods with forged sources never sees an answer, so he never
// completes a handshake of TCP: and nothing but one that did makes room in `connections`. Other protocols have no such
// proof. A confirmed one that closes moves back: it makes room first.
#pragma once

#include "maps/abi.h"

enum edgefw_table {
    EDGEFW_TABLE_CONNECTIONS,  // TCP, confirmed
    EDGEFW_TABLE_DATAGRAMS,    // all else, confirmed
    EDGEFW_TABLE_OPENINGS,     // half open, and closed
    EDGEFW_TABLE_COUNT
};

// What is not TCP is confirmed by its opener's packet this long after its first.
#define EDGEFW_SETTLED_SECONDS 2

// The key is the same for both directions of a connection. Addresses and ports are those the rules see: of a
// translated connection the local end is the one inside. ICMP echo: the identifier is the port of the end that sends
// the requests, the other port is 0. Protocols without ports: both ports 0.
struct edgefw_connection4_key {
    __be32 local;
    __be32 remote;
    __be16 local_port;
    __be16 remote_port;
    __u8 protocol;
    __u8 pad[3];
};
EDGEFW_ABI_SIZE(edgefw_connection4_key, 16);

struct edgefw_connection6_key {
    __be32 local[4];
    __be32 remote[4];
    __be16 local_port;
    __be16 remote_port;
    __u8 protocol;
    __u8 pad[3];
};
EDGEFW_ABI_SIZE(edgefw_connection6_key, 40);

// X(identifier, policy key and text name, default timeout in seconds, why that long). Half open are the OPENING,
// ONE_WAY and ANSWERED ones, QUERY, and ECHO; a closed one is among them.
#define EDGEFW_CONNECTION_STATES(X)                                                                                  \
    X(TCP_OPENING, "tcp-opening", 60, "a SYN and its retransmissions, no reply yet")                                 \
    X(TCP_ANSWERED, "tcp-opening", 60, "a SYN from each end")                                                        \
    X(TCP_ESTABLISHED, "tcp-established", 86400, "longer than RFC 5382 asks (2 h 4 min)")                            \
    X(TCP_CLOSING_OPENER, "tcp-closing", 120, "the opener sent FIN, the other end may still send")                   \
    X(TCP_CLOSING_OTHER, "tcp-closing", 120, "the other end sent FIN")                                               \
    X(TCP_CLOSED, "tcp-closed", 10, "FIN from both, or RST: last ACKs and retransmissions")                          \
    X(UDP_ONE_WAY, "udp-one-way", 60, "no reply seen yet")                                                           \
    X(UDP_ANSWERED, "udp-answered", 120, "a reply was seen; RFC 4787 REQ-5 asks for 2 minutes")                      \
    X(UDP_TWO_WAY, "udp-two-way", 300, "it goes on: RFC 4787 REQ-5 recommends 5 minutes")                            \
    X(ECHO, "icmp-echo", 60, "RFC 5508 REQ-2")                                                                       \
    X(ECHO_ANSWERED, "icmp-echo", 60, "a reply was seen")                                                            \
    X(ECHO_TWO_WAY, "icmp-echo", 60, "requests go on")                                                               \
    X(OTHER_ONE_WAY, "other-one-way", 60, "as UDP")                                                                  \
    X(OTHER_ANSWERED, "other-two-way", 600, "a packet of the other end was seen")                                    \
    X(OTHER_TWO_WAY, "other-two-way", 600, "tunnels are quiet for long")                                             \
    X(TCP_UNPROVEN, "tcp-unproven", 5, "in mid-stream, seen of the end that could not open it: no packet renews it") \
    X(UDP_QUERY, "udp-query", 30, "as UDP_ANSWERED, by a port below 1024: DNS, NTP (RFC 4787 REQ-5a)")

#define EDGEFW_CONNECTION_STATE_ENUM(identifier, name, seconds, why) EDGEFW_STATE_##identifier,
enum edgefw_connection_state { EDGEFW_CONNECTION_STATES(EDGEFW_CONNECTION_STATE_ENUM) EDGEFW_STATE_COUNT };
#undef EDGEFW_CONNECTION_STATE_ENUM

// One end of a connection: what it has sent. Of TCP the numbers of RFC 9293 section 3.4, host order, kept from segments
// that lie in the other end's window.
struct edgefw_end {
    __u64 bytes;         // on the wire
    __u32 next;          // TCP: behind the highest sequence number it has sent
    __u32 acknowledged;  // TCP: the highest number it has acknowledged
    __u32 window;        // TCP: the widest window it has offered, bytes
    __u32 scale;         // TCP: its window scale (RFC 7323), or EDGEFW_SCALE_NONE
};
EDGEFW_ABI_SIZE(edgefw_end, 24);

#define EDGEFW_SCALE_MAX 14
#define EDGEFW_SCALE_NONE 255

struct edgefw_connection {
    __u32 generation;    // that last judged it
    __u32 rule;          // counter slot of the rule that opened it, EDGEFW_SLOT_NONE: the default did
    __u64 seen;          // jiffies at the last packet; 32 bits of them come round in 50 days
    __u64 opened;        // likewise at the first
    __u8 hook;           // enum edgefw_hook of the opener
    __u8 state;          // enum edgefw_connection_state
    __u16 detail;        // what the opener had in EDGEFW_FIELD_DETAIL: to judge it again
    __u16 vlan;          // what the opener had in EDGEFW_FIELD_VLAN
    __be16 public_port;  // the local end as it is outside; 0 where nat is 0
    __be32 public_address;
    __u16 nat;                            // counter slot of the NAT entry that translated the opener, 0: untranslated
    __u8 masqueraded;                     // its public port was allocated: there is an entry in `publics`
    __u8 first;                           // enum edgefw_hook that saw its first packet
    struct edgefw_end end[EDGEFW_HOOKS];  // by the hook that sees its packets: received is the remote end
    // TCP: a SYN of an end of a confirmed one. Where the other end's SYN,ACK acknowledges it the connection begins
    // anew.
    __u32 renewal;       // behind its sequence number
    __u8 renewal_hook;   // enum edgefw_hook that saw it
    __u8 renewal_scale;  // EDGEFW_SCALE_*
    __u8 has_renewal;
    __u8 is_revoked;  // a policy has revoked it and kept it; shown, and decides nothing: packets judge it again
};
EDGEFW_ABI_SIZE(edgefw_connection, 96);

// Where a masqueraded connection is inside, by how it is outside: the key is that of the connection with the public
// address and port as its local end. Three LRU tables as above, for the same reason. An entry whose connection is gone
// is worth nothing: what is found here is believed when the connection says the same. A public end is given before its
// connection is stored, so a fresh entry is another one's also while there is no connection.
struct edgefw_inside {
    __be32 address;
    __be16 port;
    __u16 nat;       // counter slot of the NAT entry
    __u64 reserved;  // jiffies when the public end was given to it
};
EDGEFW_ABI_SIZE(edgefw_inside, 16);
