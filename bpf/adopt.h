// adopt: what runs before the first policy. Learned while everything passes, and adopted for a while after the first
// push (docs/semantics.md, "Before the first policy").
#pragma once

#include "bpf/builtins.h"
#include "bpf/open.h"
#include "bpf/rejudge.h"
#include "bpf/track.h"

#define NANOSECONDS 1000000000ull

// A TCP segment that only a connection that was open before can have: every one of those acknowledges (RFC 9293 section
// 3.10.7.4). A reset ends something and proves nothing.
static __always_inline bool is_midstream(const struct flight* flight) {
    return flight->flow.protocol == IPPROTO_TCP && (flight->packet.flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

// Enters the TCP connection of a segment in mid-stream, half open, as opened from `opener` under the rule of counter
// slot `rule`. What the ends have scaled their windows by was in their SYNs: the widest is assumed, so that the numbers
// never stop to follow; a reset still has to lie between what one end acknowledged and the other sent since.
static __noinline bool enter_midstream(struct flight* flight, __u32 rule, __u32 opener) {
    const struct packet* packet = &flight->packet;
    struct edgefw_connection* fresh = &flight->fresh;
    struct edgefw_end* from = &fresh->end[HOOK];
    struct edgefw_end* to = &fresh->end[OTHER(HOOK)];

    begin(fresh, &flight->flow, rule, opener, EDGEFW_STATE_TCP_ANSWERED);
    from->bytes = wire_bytes(packet);
    from->next = sequence_end(packet);
    from->acknowledged = acknowledgment(packet);
    to->next = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    from->window = to->window = FIRST_WINDOW << EDGEFW_SCALE_MAX;
    from->scale = to->scale = EDGEFW_SCALE_MAX;
    return store(&flight->flow, true, fresh, BPF_ANY) == 0;
}

// After the first policy of a card: what was open before and has been quiet since the card was attached.
static __always_inline bool may_be_adopted(const struct flight* flight) {
    return config.adopts_until && is_midstream(flight) && flight->packet.fragment == FRAGMENT_NONE &&
           !flight->translation.nat && !flight->translation.masquerade &&
           bpf_ktime_get_coarse_ns() < config.adopts_until * NANOSECONDS;
}

enum adoption {
    NOT_ADOPTED,       // nothing has changed
    ADOPTED,           // its connection is entered, under the rule of flight->rule
    ADOPTION_REFUSED,  // the kernel could not store it
};

// Adopts the connection of a segment in mid-stream, if the policy would have let one of its ends open it. Returns enum
// adoption.
__noinline int adopt(void) {
    struct flight* flight = fetch();
    const struct flow* flow;
    const struct translation* by;
    struct admission admission;

    if (!flight) return NOT_ADOPTED;
    flow = &flight->flow;
    by = &flight->translation;
    ask_about(flight, flow, TCP_SYN, flow->vlan);
    admission = admit_opener(HOOK, true, EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP);
    if (!admission.outcome) return NOT_ADOPTED;
    if (comes_by_public_end(flow) &&
        (collides(flow, by, lookup(flow, false)) || collides(flow, by, lookup(flow, true))))
        return NOT_ADOPTED;
    flight->rule = admission.outcome & EDGEFW_OUTCOME_SLOT_MASK;
    return enter_midstream(flight, flight->rule, admission.hook) ? ADOPTED : ADOPTION_REFUSED;
}

// Without a policy: what passes is remembered, so that the first policy finds what is running. No verdict depends on
// it, also where a table is full. Packets that a built-in rule passes never open a connection, so they are not learned
// either.
__noinline int learn(CONTEXT* context) {
    struct flight* flight = fetch();
    struct found found;

    if (!flight || !flight->flow.tracked || flight->packet.fragment != FRAGMENT_NONE) return 0;
    if (builtin_of_packet(flight) != EDGEFW_BUILTIN_COUNT) return 0;
    found = live(&flight->flow, &flight->translation, false);
    if (found.connection) {
        if (is_stray_reset(flight, found)) return 0;
        pass_along(flight, found.connection);
        advance(context, flight, found);
    } else if (is_midstream(flight)) {
        enter_midstream(flight, EDGEFW_SLOT_NONE, HOOK);
    } else if (flight->flow.opens) {
        open_connection(context, flight, EDGEFW_SLOT_NONE);
    }
    return 0;
}
