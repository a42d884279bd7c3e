// SPDX-License-Identifier: GPL-2.0-only
// The packet in flight: all that the stages of one program know of it, as values. `struct flow` is what rules and
// tables ask. `struct packet` is the shape of the frame. `struct translation` is what NAT makes of it. `struct
// decision` is how it ends. bpf/flight.h says how they are kept.
//
// A judging program is one unit: one hook (HOOK, enum edgefw_hook: which end is local, which trees) and one program
// type (CONTEXT, bpf/frame/context_xdp.h or bpf/frame/context_skb.h: which helpers). Both are constants of the unit.
#pragma once

#include "bpf/constants.h"

#include "maps/builtins.h"
#include "maps/connection.h"
#include "maps/reasons.h"
#include "maps/tree.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define bool _Bool
#define true 1
#define false 0

// Functions are inline, but for two kinds, both for what few packets need. A call keeps the caller's registers and code
// free of them, and their stack is given back when they return (512 bytes are all there is).
//
// GLOBAL: the verifier checks it once, by itself, whatever the number of its callers. It learns nothing from a caller:
// so a global function asks pointers for NULL, and fetches the flight where it needs more (bpf/flight.h). It may return
// an enum; one that answers yes or no returns int, since a bool costs an instruction at each return.
//
// OUT_OF_LINE: the verifier walks it at each call, with what it knows of the arguments. For functions that are handed a
// key: Linux before 6.2 takes none from memory behind a global function's argument.
#define GLOBAL __noinline
#define OUT_OF_LINE static __noinline

#define NANOSECONDS 1000000000ull  // of a second

#define PROTOCOL_ICMPV6 58  // linux/in.h has no IPv6
#define VLAN_TAG 4          // bytes
#define JUMBO_HEADER 8      // bytes: an IPv6 hop-by-hop header with the option of RFC 2675 alone

// The result of dissect where the shape is right, and of the built-in rules where none passes the packet.
#define WELL_FORMED EDGEFW_REASON_COUNT
#define NO_BUILTIN EDGEFW_BUILTIN_COUNT

// The other direction's hook.
#define OTHER(hook) ((hook) == EDGEFW_RECEIVED ? EDGEFW_SENT : EDGEFW_RECEIVED)

// Whether there may be a connection of this protocol. Where the policy opens none, and none before it did, the tables
// need not be asked.
static __always_inline bool may_have_connection(__u32 protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return config.kinds & EDGEFW_KIND_TCP;
        case IPPROTO_UDP:
            return config.kinds & EDGEFW_KIND_UDP;
        case IPPROTO_ICMP:
        case PROTOCOL_ICMPV6:
            return config.kinds & EDGEFW_KIND_ICMP;
        default:
            return config.kinds & EDGEFW_KIND_OTHER;
    }
}

// Jiffies since `then`. Another processor may have noted `then` a moment after this one read the clock: that counts as
// 0.
static __always_inline __u64 jiffies_since(__u64 then) {
    const __s64 since = bpf_jiffies64() - then;

    return since < 0 ? 0 : since;
}

enum fragment {
    FRAGMENT_NONE,  // a whole packet
    FRAGMENT_FIRST,
    FRAGMENT_LATER,
};

// Who talks to whom: what a rule can name, and the key of a connection. dissect fills it; translate gives it its local
// end as it is inside.
struct flow {
    union {
        struct edgefw_connection4_key key4;
        struct edgefw_connection6_key key6;
        __u64 key_word[sizeof(struct edgefw_connection6_key) / sizeof(__u64)];  // for bpf/flow/key.h
    };
    __u16 detail;  // as EDGEFW_FIELD_DETAIL
    __u16 vlan;    // as EDGEFW_FIELD_VLAN
    __u8 family;
    __u8 protocol;
    bool has_ports;  // the ports are those of the key. An echo's identifier lies there too, but rules see no port
    bool opens;      // as EDGEFW_FIELD_OPENS
    bool tracked;    // has connections: not an ICMP message other than echo
    bool is_syn;     // TCP: SYN without ACK, RST, FIN
    __u8 pad[6];
};

// The frame's shape. The context and dissect fill it.
struct packet {
    __u32 length;    // bytes of the frame, without a tag that the kernel holds apart. XDP: bytes of its linear part,
                     // until measure() has been asked
    __u32 segments;  // skb: frames on the wire, more than 1 for GSO
    __u16 held_tag;  // skb: the tag that the kernel holds apart
    bool has_held_tag;
    bool is_link_local;  // to a link-local control group, 01:80:c2:00:00:00-0f
    __be16 ethertype;    // behind the tags
    __u8 fragment;       // enum fragment
    __u8 hop_limit;
    bool is_ip;
    bool is_error;           // ICMP or ICMPv6: about a packet that it quotes
    __u8 flags;              // TCP: as on the wire
    __u8 scale;              // TCP: of a SYN that opens or answers: EDGEFW_SCALE_*
    bool has_jumbo_header;   // IPv6 "BIG TCP": a header that no frame on the wire has
    bool is_segment_routed;  // the built-in rule segment-routing drops it
    bool is_revoked;         // its connection is revoked, and kept (bpf/connection/rejudge.h)
    __u32 network;           // offset of the IP header
    __u32 transport;         // offset of the transport header
    __u32 transport_length;  // bytes from there to the end of the IP packet
    __u32 header_length;     // bytes that every segment of a GSO packet repeats
    __u32 fragment_id;       // as on the wire
    // TCP: numbers as on the wire. Few packets need them in host order (bpf/connection/tcp.h)
    __be32 sequence_be;
    __be32 acknowledgment_be;
    __be16 window_be;
    __u16 segment_size;  // skb: payload bytes of a segment, where the kernel has not counted the segments; else 0
    // An ICMP error: the packet that it quotes
    __u32 quoted_transport;  // offset of the quoted transport header
    __be32 quoted_sequence_be;
};

// What translates a flow's local end: that of the packet, or of a flow that is asked for instead.
struct translation {
    __be32 public_address;  // the local end as it is outside, where nat is not 0
    __be16 public_port;
    __u16 nat;                // counter slot of the NAT entry, 0: untranslated
    __u16 masquerade_number;  // sent: the masquerade that gives an opener its source, 1 is the first; 0: none
    bool to_masqueraded;      // received: the packet goes to the public end of a masqueraded connection
    bool needs_tracking;      // translated by port: without a connection it cannot pass
    bool retired;             // a forward of an older policy had its public end
    __u8 pad[3];
};

// Of what the rules in force were asked last: the packet, a frame that is not IP, or the opener of its connection,
// which was of an older policy.
enum said_of { SAID_OF_NOTHING, SAID_OF_PACKET, SAID_OF_LINK, SAID_OF_CONNECTION };

// What they said. A shadow is asked the same (bpf/shadow.h).
struct said {
    __u32 outcome;  // EDGEFW_OUTCOME_*
    __u8 of;        // enum said_of
    __u8 hook;      // at which they saw it
    __u8 pad[2];
};

// What rules see of a flow, host order, and what they have said so far. For a packet of a known connection it is never
// built.
struct fields {
    __u32 value[EDGEFW_FIELDS];
    __u32 number;   // of the best rule so far, NO_RULE: none
    __u32 outcome;  // EDGEFW_OUTCOME_*
};

// How a packet ends. Only bpf/decide.h makes decisions; bpf/shadow_judge.h says what would be one.
struct decision {
    __u32 slot;  // counter slot of the rule or built-in, EDGEFW_SLOT_NONE: none
    __u8 verdict;
    __u8 reason;
    bool opened;  // it opened a connection of the rule
    bool logged;  // the rule says that it is recorded
};
