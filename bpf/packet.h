// What the stages of one program hand to each other: the frame as the hook gave it, and the packet that dissect makes
// of it and the later stages complete. `hook` (enum edgefw_hook) is an argument of its own in every stage, not a member
// of these: so it stays a constant that the compiler folds.
#pragma once

#include "maps/config.h"
#include "maps/connection.h"
#include "maps/reasons.h"

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define bool _Bool
#define true 1
#define false 0

// Set from the policy between open and load; the verifier removes the code it rules out.
const volatile struct edgefw_config config;

// The other direction's hook.
#define OTHER(hook) ((hook) == EDGEFW_RECEIVED ? EDGEFW_SENT : EDGEFW_RECEIVED)

// The bytes of the frame at the hook. Lives within one stage: helpers that write invalidate the pointers.
struct frame {
    void* data;
    void* data_end;
    void* context;  // struct xdp_md * (received) or struct __sk_buff * (sent)
};

enum fragment {
    FRAGMENT_NONE,  // a whole packet
    FRAGMENT_FIRST,
    FRAGMENT_LATER,
};

struct packet {
    // The connection's key, by family: from dissect, its local end from translate. Kept here, not built where
    // it is used: the stack is short.
    union {
        struct edgefw_connection4_key key4;
        struct edgefw_connection6_key key6;
        __u64 key_word[sizeof(struct edgefw_connection6_key) / sizeof(__u64)];  // for key.h alone
    };

    // classify's result
    __u32 outcome;  // EDGEFW_OUTCOME_*

    // decide's result
    __u32 slot;  // counter slot of the rule or built-in
    __u8 verdict;
    __u8 reason;

    // from the entry point
    __u32 length;  // bytes of the frame, without a tag the kernel holds apart; received: of its linear part, until more
                   // are asked for
    __u32 segments;  // frames on the wire: more than 1 for GSO
    __u16 held_tag;  // sent: the tag the kernel holds apart
    bool has_held_tag;

    // from dissect
    bool is_link_local;  // to a link-local control group, 01:80:c2:00:00:00-0f
    __be16 ethertype;    // behind the tags
    __u16 detail;        // as EDGEFW_FIELD_DETAIL
    __u16 vlan;          // as EDGEFW_FIELD_VLAN
    __u8 family;
    __u8 protocol;
    bool has_ports;   // TCP, UDP: those of the key. An echo's identifier is in the key too, and no port that rules see
    bool opens;       // as EDGEFW_FIELD_OPENS
    __u8 fragment;    // enum fragment
    __u32 network;    // offset of the IP header
    __u32 transport;  // offset of the transport header
    __u32 transport_length;  // bytes from there to the end of the IP packet
    __u32 header_length;     // bytes every segment of a GSO packet repeats
    __u32 fragment_id;       // as on the wire
    __u8 hop_limit;
    bool tracked;   // has connections: not an ICMP message other than echo
    bool is_error;  // ICMP or ICMPv6: about a packet that it quotes
    bool is_ip;
    bool is_syn;  // TCP: SYN without ACK, RST, FIN

    // TCP, from dissect: as on the wire, since few packets need more (bpf/tcp.h)
    __be16 window_be;
    __be32 sequence_be;
    __be32 acknowledgment_be;
    __u8 scale;  // of a SYN that opens or answers: EDGEFW_SCALE_*

    // from relate
    __u32 quoted_transport;  // offset of the transport header that an error quotes

    // from track
    bool half_open;       // what was found last is in the table of half-open connections
    bool is_unconfirmed;  // the table of confirmed ones was just asked, and has none of this key

    // from translate
    __u16 nat;           // counter slot of the NAT entry, 0: untranslated
    __be16 public_port;  // the local end as it is outside, where nat is not 0
    __be32 public_address;
    __u16 masquerade;      // sent: which masquerade gives an opener its source, + 1; 0: none
    bool masqueraded;      // received: the local end is that of a masqueraded connection
    __u16 needs_tracking;  // not 0: translated by port, without a connection it cannot pass. No bool: with two known
                           // values the verifier would walk all that follows twice
    bool retired;          // a forward of an older policy had its public end
};
