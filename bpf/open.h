// open: a connection for the packet that the rules let open one.
#pragma once

#include "bpf/masquerade.h"
#include "bpf/track.h"

enum opening {
    OPENED,
    KNOWN,     // the connection was there already: the packet passes with it
    REVOKED,   // it was there, of an older policy, and has ended
    STRAY,     // it was there, and the packet is a reset that does not fit
    REFUSED,   // the kernel could not store it
    COLLIDES,  // another one has the same ends inside
    NO_PORT,   // the masquerade has no public port left
};

// Received: what was found has the flow's ends inside and lives, but has another public end.
static __always_inline bool collides(const struct flow* flow, const struct translation* by,
                                     const struct edgefw_connection* found) {
    return found && is_live(flow, found) && !comes_as_its_own(flow, by, found);
}

// Of a flow that the tables may know after all. False: they do not.
static __always_inline bool is_known(CONTEXT* context, enum opening* as) {
    switch (track(context, false)) {
        case TRACK_KNOWN:
            *as = KNOWN;
            return true;
        case TRACK_REVOKED:
            *as = REVOKED;
            return true;
        case TRACK_STRAY_RESET:
            *as = STRAY;
            return true;
        default:
            return false;
    }
}

// What a TCP opener says of its own numbers, and of those it expects.
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
static __always_inline enum opening open_connection(CONTEXT* context, struct flight* flight, __u32 rule) {
    const struct flow* flow = &flight->flow;
    struct translation* translation = &flight->translation;
    const bool is_tcp = flow->protocol == IPPROTO_TCP;
    struct edgefw_connection* fresh = &flight->fresh;
    enum opening known;

    begin(fresh, flow, rule, HOOK, first_state(flow->protocol));
    if (config.translates && flow->family == EDGEFW_IPV4) {
        if (HOOK == EDGEFW_SENT && translation->masquerade) {
            if (live(flow, translation, false).connection && is_known(context, &known)) return known;
            if (!allocate(flow, translation)) return NO_PORT;
            fresh->masqueraded = 1;
        }
        fresh->nat = translation->nat;
        fresh->public_address = translation->public_address;
        fresh->public_port = translation->public_port;
    }
    fresh->end[HOOK].bytes = wire_bytes(&flight->packet);
    // A half-open duplicate is found later, when the store fails.
    if (is_tcp || comes_by_public_end(flow)) {
        const struct edgefw_connection* confirmed = lookup(flow, false);

        if (collides(flow, translation, confirmed)) return COLLIDES;
        if (is_tcp && confirmed && is_live(flow, confirmed)) {
            if (is_known(context, &known)) return known;
        } else if (is_tcp && confirmed) {
            forget(flow, false);
        }
    }
    if (is_tcp) note_opener(context, &flight->packet, fresh);
    if (store(flow, true, fresh, BPF_NOEXIST) == 0) return OPENED;
    if (comes_by_public_end(flow) && collides(flow, translation, lookup(flow, true))) return COLLIDES;
    if (!fresh->masqueraded && is_known(context, &known)) return known;
    if (store(flow, true, fresh, BPF_ANY) == 0) return OPENED;
    if (fresh->masqueraded) forget_public(flow, fresh);
    return REFUSED;
}
