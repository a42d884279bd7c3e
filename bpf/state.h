// The states of a connection: what a packet makes of the one it finds. Nothing here asks or writes a table.
#pragma once

#include "bpf/tcp.h"

#include <linux/in.h>

static __always_inline __u8 first_state(__u8 protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return EDGEFW_STATE_TCP_OPENING;
        case IPPROTO_UDP:
            return EDGEFW_STATE_UDP_ONE_WAY;
        case IPPROTO_ICMP:
        case PROTOCOL_ICMPV6:
            return EDGEFW_STATE_ECHO;
        default:
            return EDGEFW_STATE_OTHER_ONE_WAY;
    }
}

// Makes `fresh` a connection that the flow begins, under the rule of counter slot `rule`; `opener`: the hook that sees
// what its opener sends.
static __always_inline void begin(struct edgefw_connection* fresh, const struct flow* flow, __u32 rule, __u32 opener,
                                  __u8 state) {
    const __u32 now = bpf_jiffies64();

    *fresh = (struct edgefw_connection){
        .generation = config.generation,
        .rule = rule,
        .seen = now,
        .opened = now,
        .hook = opener,
        .state = state,
        .detail = flow->detail,
        .vlan = flow->vlan,
    };
}

// A half-open TCP connection: what the segment makes of it. RFC 9293 section 3.5; both ends may send SYN.
static __always_inline __u8 handshake(const struct packet* packet, struct edgefw_end* from, struct edgefw_end* to,
                                      __u8 state, bool from_opener) {
    const __u32 flags = packet->flags;
    const bool is_syn = (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;

    if (state == EDGEFW_STATE_TCP_CLOSED) return state;
    if (flags & TCP_RST) {
        const bool refuses = !from_opener && acknowledges(packet, to->next);
        const bool aborts = sequence(packet) == from->next && (from_opener || state == EDGEFW_STATE_TCP_ANSWERED);

        return refuses || aborts ? EDGEFW_STATE_TCP_CLOSED : state;
    }
    if (from_opener) {
        if (state == EDGEFW_STATE_TCP_ANSWERED && acknowledges(packet, to->next)) {
            from->acknowledged = acknowledgment(packet);
            return EDGEFW_STATE_TCP_ESTABLISHED;
        }
        if (!is_syn || sequence_end(packet) == from->next) return state;
        from->next = sequence_end(packet);  // it begins anew
        to->acknowledged = sequence(packet);
        return EDGEFW_STATE_TCP_OPENING;
    }
    if (!(flags & TCP_SYN) || ((flags & TCP_ACK) && !acknowledges(packet, to->next))) return state;
    from->next = sequence_end(packet);
    from->scale = packet->scale;
    if (flags & TCP_ACK) from->acknowledged = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    if (from->scale == EDGEFW_SCALE_NONE || to->scale == EDGEFW_SCALE_NONE) from->scale = to->scale = 0;
    return EDGEFW_STATE_TCP_ANSWERED;
}

// A TCP connection of which no SYN was seen: its first packet here was one in mid-stream, which either end may send.
static __always_inline bool in_midstream(const struct edgefw_connection* connection) {
    return !(connection->detail & TCP_SYN);
}

// Half open and in mid-stream: there is no handshake to wait for, only for a segment of each end. A forged one is
// answered with a reset, which confirms nothing.
static __always_inline __u8 join_midstream(const struct packet* packet, const struct edgefw_connection* connection,
                                           const struct edgefw_end* from, const struct edgefw_end* to) {
    if (connection->state == EDGEFW_STATE_TCP_CLOSED || (packet->flags & TCP_SYN)) return connection->state;
    if (packet->flags & TCP_RST) return reset_fits(packet, from, to) ? EDGEFW_STATE_TCP_CLOSED : connection->state;
    return connection->end[EDGEFW_RECEIVED].bytes && connection->end[EDGEFW_SENT].bytes ? EDGEFW_STATE_TCP_ESTABLISHED
                                                                                        : connection->state;
}

// A confirmed TCP connection, likewise. A reset was asked before whether it fits.
static __always_inline __u8 next_tcp_state(const struct packet* packet, const struct edgefw_end* to, __u8 state,
                                           bool from_opener) {
    if (packet->flags & TCP_RST || state == EDGEFW_STATE_TCP_CLOSED) return EDGEFW_STATE_TCP_CLOSED;
    if ((packet->flags & TCP_FIN) && fin_fits(packet, to)) {
        __u8 other = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;

        if (state == other) return EDGEFW_STATE_TCP_CLOSED;
        return from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    }
    return state;
}

static __always_inline bool is_two_way(__u8 state) {
    return state == EDGEFW_STATE_UDP_TWO_WAY || state == EDGEFW_STATE_ECHO_TWO_WAY ||
           state == EDGEFW_STATE_OTHER_TWO_WAY;
}

// Of what is not TCP: answered by the other end, confirmed when the opener goes on.
static __always_inline __u8 next_state(__u8 state, bool from_opener) {
    switch (state) {
        case EDGEFW_STATE_UDP_ONE_WAY:
        case EDGEFW_STATE_ECHO:
        case EDGEFW_STATE_OTHER_ONE_WAY:
            return from_opener ? state : state + 1;
        case EDGEFW_STATE_UDP_ANSWERED:
        case EDGEFW_STATE_ECHO_ANSWERED:
        case EDGEFW_STATE_OTHER_ANSWERED:
            return from_opener ? state + 1 : state;
        default:
            return state;
    }
}
