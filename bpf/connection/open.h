// SPDX-License-Identifier: GPL-2.0-only
// open: a connection for a packet that the rules let open one.
//
//   takes    the flight, and the counter slot of the rule
//   gives    enum opening; for a masqueraded opener also its public end, in flight->translation
//   before   classify (bpf/flow/classify.h) and translate (bpf/nat/find.h)
//   after    decide (bpf/decide.h)
#pragma once

#include "bpf/connection/track.h"
#include "bpf/nat/masquerade.h"

enum opening {
    OPENING_DONE,         // the connection is entered
    OPENING_KNOWN,        // the connection was there already: the packet passes with it
    OPENING_REVOKED,      // it was there, of an older policy, and has ended
    OPENING_STRAY_RESET,  // it was there, and the packet is a reset that does not fit
    OPENING_BESIDE,       // a connection in mid-stream has its ends and goes on: the packet passes beside it
    OPENING_NOT_STORED,   // the kernel could not store it
    OPENING_COLLIDES,     // another connection has the same ends inside, and another public end
    OPENING_OTHER_VLAN,   // another connection has the same ends, in another VLAN
    OPENING_NO_PORT,      // the masquerade has no public port left
};

// Received: whether the connection that was found is live and has the flow's ends inside, but another public end.
static __always_inline bool collides(const struct flow* flow, const struct translation* by,
                                     const struct edgefw_connection* found) {
    return found && is_live(flow, found) && !comes_as_its_own(flow, by, found);
}

// Whether the connection that was found is live and of another VLAN. Both would be one entry of the table.
static __always_inline bool is_of_another_vlan(const struct flow* flow, const struct edgefw_connection* found) {
    return found && is_live(flow, found) && !is_of_its_vlan(flow, found);
}

// Whether track knows the packet after all, and what opening that makes (`*as`).
static __always_inline bool is_known(CONTEXT* context, struct flight* flight, enum opening* as) {
    switch (track(context, false)) {
        case TRACK_KNOWN:
            *as = OPENING_KNOWN;
            return true;
        case TRACK_REVOKED:
            *as = OPENING_REVOKED;
            return true;
        case TRACK_STRAY_RESET:
            *as = OPENING_STRAY_RESET;
            return true;
        default:
            if (config.retains_until && flight->packet.is_revoked) take_its_place(flight);
            return false;
    }
}

static __always_inline bool goes_on_in_midstream(const struct flow* flow, const struct edgefw_connection* connection) {
    return connection && began_in_midstream(connection) && is_live(flow, connection);
}

// Whether a connection in mid-stream has the ends of a SYN, which neither passes by it nor ends it.
static __always_inline bool is_open_in_midstream(const struct flow* flow) {
    return flow->protocol == IPPROTO_TCP &&
           (goes_on_in_midstream(flow, lookup(flow, false)) || goes_on_in_midstream(flow, lookup(flow, true)));
}

// Notes what a TCP opener says of its own numbers, and of those that it expects.
static __always_inline void note_opener(CONTEXT* context, struct packet* packet, struct edgefw_connection* fresh) {
    struct edgefw_end* from = &fresh->end[HOOK];
    struct edgefw_end* to = &fresh->end[OTHER(HOOK)];

    packet->scale = find_scale(context, packet);
    from->next = sequence_end(packet);
    from->scale = packet->scale;
    from->window = to->window = FIRST_WINDOW;
    to->acknowledged = sequence(packet);
}

// Enters the connection that the packet opens under the rule of counter slot `rule`, half open.
//
// Two processors may open the same connection at once: an opener sends twice, or both ends open (RFC 9293 section 3.5).
// Both enter it with BPF_NOEXIST. The kernel lets one do so. The other one asks track, and its packet passes as one of
// the connection that the first one entered. If track finds none, that one is not live for this packet, and makes
// room. A third one that enters between is replaced by the last: both are the same connection, just opened.
static __always_inline enum opening open_connection(CONTEXT* context, struct flight* flight, __u32 rule) {
    const struct flow* flow = &flight->flow;
    struct translation* translation = &flight->translation;
    const bool is_tcp = flow->protocol == IPPROTO_TCP;
    // It lies on the stack: a load soon after a store to the stack is fast, one after a store to a map's value is not.
    struct edgefw_connection fresh;
    enum opening known;

    if (config.tells_vlans &&
        (is_of_another_vlan(flow, lookup(flow, false)) || is_of_another_vlan(flow, lookup(flow, true))))
        return OPENING_OTHER_VLAN;
    if (config.retains_until && flight->packet.is_revoked) take_its_place(flight);
    begin(&fresh, flow, rule, HOOK, first_state(flow->protocol));
    if (config.translates && flow->family == EDGEFW_IPV4) {
        if (HOOK == EDGEFW_SENT && translation->masquerade_number) {
            if (live(flow, translation, false).connection && is_known(context, flight, &known)) return known;
            if (!allocate()) return OPENING_NO_PORT;
            fresh.masqueraded = 1;
        }
        fresh.nat = translation->nat;
        fresh.public_address = translation->public_address;
        fresh.public_port = translation->public_port;
    }
    fresh.end[HOOK].bytes = wire_bytes(&flight->packet);
    // A half-open connection of the same ends is found later, when the store fails.
    if (is_tcp || comes_by_public_end(flow)) {
        const struct edgefw_connection* confirmed = lookup(flow, false);

        if (collides(flow, translation, confirmed)) return OPENING_COLLIDES;
        if (is_tcp && !fresh.nat && goes_on_in_midstream(flow, confirmed)) return OPENING_BESIDE;
        if (is_tcp && confirmed && is_live(flow, confirmed) && !began_in_midstream(confirmed)) {
            if (is_known(context, flight, &known)) return known;
        } else if (is_tcp && confirmed) {
            forget(flow, false);
        }
    }
    if (is_tcp) note_opener(context, &flight->packet, &fresh);
    if (store_opening(flow, &fresh, BPF_NOEXIST) == 0) return OPENING_DONE;
    if (comes_by_public_end(flow) && collides(flow, translation, lookup(flow, true))) return OPENING_COLLIDES;
    if (is_known(context, flight, &known)) {
        if (fresh.masqueraded) give_back(flow, &fresh, translation);
        return known;
    }
    if (is_tcp && !fresh.nat && goes_on_in_midstream(flow, lookup(flow, true))) return OPENING_BESIDE;
    if (store_opening(flow, &fresh, BPF_ANY) == 0) return OPENING_DONE;
    if (fresh.masqueraded) forget_public(flow, &fresh);
    return OPENING_NOT_STORED;
}
