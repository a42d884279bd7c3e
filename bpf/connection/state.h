// SPDX-License-Identifier: GPL-2.0-only
// The states of a connection: what a packet makes of the one it finds. Nothing here asks or writes a table. track
// (bpf/connection/track.h) asks.
#pragma once

#include "bpf/connection/tcp.h"

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
    const __u64 now = bpf_jiffies64();

    *fresh = (struct edgefw_connection){
        .generation = config.generation,
        .rule = rule,
        .seen = now,
        .opened = now,
        .hook = opener,
        .state = state,
        .first = HOOK,
        .detail = flow->detail,
        .vlan = flow->vlan,
    };
}

// The state that a segment gives a half-open TCP connection (RFC 9293 section 3.5). Both ends may send a SYN.
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
        from->next = sequence_end(packet);  // the opener begins anew
        to->acknowledged = sequence(packet);
        return EDGEFW_STATE_TCP_OPENING;
    }
    if (!(flags & TCP_SYN)) {
        // The other end sends data behind its answer (RFC 7413). The opener confirms by acknowledging them.
        if (state == EDGEFW_STATE_TCP_ANSWERED && sequence(packet) - from->next <= HANDSHAKE_DATA &&
            is_after(sequence_end(packet), from->next))
            from->next = sequence_end(packet);
        return state;
    }
    if ((flags & TCP_ACK) && !acknowledges(packet, to->next)) return state;
    from->next = sequence_end(packet);
    from->scale = packet->scale;
    if (flags & TCP_ACK) from->acknowledged = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    if (from->scale == EDGEFW_SCALE_NONE || to->scale == EDGEFW_SCALE_NONE) from->scale = to->scale = 0;
    return EDGEFW_STATE_TCP_ANSWERED;
}

// Whether no SYN of a TCP connection was seen. Its first packet here was a segment in mid-stream, which either end may
// send.
static __always_inline bool began_in_midstream(const struct edgefw_connection* connection) {
    return !(connection->detail & TCP_SYN);
}

// Whether only an open connection can have the segment: every such segment acknowledges (RFC 9293 section 3.10.7.4). A
// reset ends something and proves nothing.
static __always_inline bool is_midstream_segment(__u32 flags) {
    return (flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

// Sets the numbers of a connection in mid-stream from a segment seen at HOOK. What the segment acknowledges was sent,
// and the other end waits for what it sends. By how much the ends scale their windows was in their SYNs, which nobody
// saw.
static __always_inline void begin_in_midstream(const struct packet* packet, struct edgefw_connection* connection) {
    struct edgefw_end* from = &connection->end[HOOK];
    struct edgefw_end* to = &connection->end[OTHER(HOOK)];

    connection->first = HOOK;
    from->next = sequence_end(packet);
    from->acknowledged = acknowledgment(packet);
    to->next = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    from->window = to->window = MIDSTREAM_WINDOW;
    from->scale = to->scale = 0;
}

// Whether the segment of `from` answers: it goes on where the segments of the other end are, so `from` has seen them.
static __always_inline bool answers(const struct packet* packet, const struct edgefw_end* from,
                                    const struct edgefw_end* to) {
    return sequence(packet) - from->next + MIDSTREAM_WINDOW <= 2 * MIDSTREAM_WINDOW &&
           to->next - acknowledgment(packet) <= MIDSTREAM_WINDOW;
}

// The state that a segment gives a half-open connection in mid-stream. There is no handshake to wait for, only a
// segment of the other end that answers. A sender that forges one end's segments sees no answer: a host without the
// connection answers with a reset, or not at all. A segment that does not answer tells of another connection between
// these ends, and that one takes the place.
static __always_inline __u8 join_midstream(const struct packet* packet, struct edgefw_connection* connection) {
    struct edgefw_end* from = &connection->end[HOOK];
    struct edgefw_end* to = &connection->end[OTHER(HOOK)];
    const __u8 state = connection->state;

    if (state == EDGEFW_STATE_TCP_CLOSED || (packet->flags & TCP_SYN)) return state;
    if (packet->flags & TCP_RST) return reset_closes(packet, from, to) ? EDGEFW_STATE_TCP_CLOSED : state;
    if (!(packet->flags & TCP_ACK)) return state;
    if (connection->first == HOOK) {
        note_numbers(packet, from, to);
        return state;
    }
    if (answers(packet, from, to)) return EDGEFW_STATE_TCP_ESTABLISHED;
    begin_in_midstream(packet, connection);
    if (connection->generation == 0) connection->hook = HOOK;  // learned: nobody knows which end opened it
    return state == EDGEFW_STATE_TCP_UNPROVEN ? EDGEFW_STATE_TCP_ANSWERED : state;
}

// The state that a segment gives a confirmed TCP connection. `fits`: what note_numbers() said of the segment.
static __always_inline __u8 next_tcp_state(const struct packet* packet, const struct edgefw_end* from,
                                           const struct edgefw_end* to, __u8 state, bool from_opener, bool fits) {
    if (state == EDGEFW_STATE_TCP_CLOSED) return state;
    if (packet->flags & TCP_RST) return reset_closes(packet, from, to) ? EDGEFW_STATE_TCP_CLOSED : state;
    if ((packet->flags & TCP_FIN) && fits && !is_after(to->acknowledged, sequence_end(packet))) {
        __u8 other = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;

        if (state == other) return EDGEFW_STATE_TCP_CLOSED;
        return from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    }
    return state;
}

// Notes that an end of a confirmed connection sends a SYN. A host that still has the connection challenges it (RFC 5961
// section 4). A host that does not have it answers, and then all that was known of the connection is of the past.
static __always_inline void note_renewal(const struct packet* packet, struct edgefw_connection* connection) {
    connection->renewal = sequence_end(packet);
    connection->renewal_hook = HOOK;
    connection->renewal_scale = packet->scale;
    connection->has_renewal = true;
}

static __always_inline bool answers_renewal(const struct packet* packet, const struct edgefw_connection* connection) {
    return connection->has_renewal && connection->renewal_hook != HOOK &&
           (packet->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == (TCP_SYN | TCP_ACK) &&
           acknowledges(packet, connection->renewal);
}

// Makes the connection one that has just been answered.
static __always_inline void renew(const struct packet* packet, struct edgefw_connection* connection) {
    struct edgefw_end* from = &connection->end[HOOK];
    struct edgefw_end* to = &connection->end[OTHER(HOOK)];

    from->next = sequence_end(packet);
    from->acknowledged = acknowledgment(packet);
    from->scale = packet->scale;
    to->next = connection->renewal;
    to->acknowledged = sequence(packet);
    to->scale = connection->renewal_scale;
    if (from->scale == EDGEFW_SCALE_NONE || to->scale == EDGEFW_SCALE_NONE) from->scale = to->scale = 0;
    from->window = to->window = FIRST_WINDOW;
    connection->has_renewal = false;
    connection->state = EDGEFW_STATE_TCP_ANSWERED;
}

static __always_inline bool is_two_way(__u8 state) {
    return state == EDGEFW_STATE_UDP_TWO_WAY || state == EDGEFW_STATE_ECHO_TWO_WAY ||
           state == EDGEFW_STATE_OTHER_TWO_WAY;
}

// Whether the packet comes from a port below 1024. Such a reply is mostly the only one (DNS, NTP).
static __always_inline bool is_of_service(const struct flow* flow) {
    __be16 port;

    if (flow->family == EDGEFW_IPV4)
        port = HOOK == EDGEFW_RECEIVED ? flow->key4.remote_port : flow->key4.local_port;
    else
        port = HOOK == EDGEFW_RECEIVED ? flow->key6.remote_port : flow->key6.local_port;
    return bpf_ntohs(port) < 1024;
}

// Whether the opener still sends some time after its first packet. A sender that forges the opener's address could send
// a second packet at once, whatever came back.
static __always_inline bool has_settled(const struct edgefw_connection* connection) {
    return jiffies_since(connection->opened) >= config.settled;
}

// The state that a packet gives a connection that is not TCP. The other end answers; the opener confirms when it goes
// on.
static __always_inline __u8 next_state(const struct flow* flow, const struct edgefw_connection* connection,
                                       bool from_opener) {
    const __u8 state = connection->state;

    switch (state) {
        case EDGEFW_STATE_UDP_ONE_WAY:
            if (from_opener) return state;
            return is_of_service(flow) ? EDGEFW_STATE_UDP_QUERY : EDGEFW_STATE_UDP_ANSWERED;
        case EDGEFW_STATE_ECHO:
        case EDGEFW_STATE_OTHER_ONE_WAY:
            return from_opener ? state : state + 1;
        case EDGEFW_STATE_UDP_QUERY:
            return from_opener && has_settled(connection) ? EDGEFW_STATE_UDP_TWO_WAY : state;
        case EDGEFW_STATE_UDP_ANSWERED:
        case EDGEFW_STATE_ECHO_ANSWERED:
        case EDGEFW_STATE_OTHER_ANSWERED:
            return from_opener && has_settled(connection) ? state + 1 : state;
        default:
            return state;
    }
}
