// SPDX-License-Identifier: GPL-2.0-only
// adopt and learn: connections that ran before the first policy (docs/semantics.md, "Before the first policy"). They
// are learned while everything passes, and adopted for a while after the first push.
//
//   takes    the flight
//   gives    enum adoption; for an adopted packet also flight->rule. learn() gives nothing
//   before   adopt: track (bpf/connection/track.h) and translate (bpf/nat/find.h). learn: dissect, on a card without a
//            policy
//   after    decide (bpf/decide.h)
#pragma once

#include "bpf/connection/open.h"
#include "bpf/connection/rejudge.h"
#include "bpf/connection/track.h"
#include "bpf/flow/builtins.h"

static __always_inline bool is_midstream_packet(const struct flight* flight) {
    return flight->flow.protocol == IPPROTO_TCP && is_midstream_segment(flight->packet.flags);
}

// Enters the TCP connection of a segment in mid-stream, half open, as opened from the hook `opener` under the rule of
// counter slot `rule`. It is unproven where the other end sent the segment. False: the kernel could not store it.
OUT_OF_LINE bool enter_midstream(struct flight* flight, __u32 rule, __u32 opener) {
    struct edgefw_connection* fresh = &flight->fresh;
    const __u8 state = opener == HOOK ? EDGEFW_STATE_TCP_ANSWERED : EDGEFW_STATE_TCP_UNPROVEN;

    begin(fresh, &flight->flow, rule, opener, state);
    begin_in_midstream(&flight->packet, fresh);
    fresh->end[HOOK].bytes = wire_bytes(&flight->packet);
    return store_opening(&flight->flow, fresh, BPF_ANY) == 0;
}

// Whether the connection of the segment may be adopted: it may have been open before the card was attached, and quiet
// since. That ends some time after the card's first policy.
static __always_inline bool may_be_adopted(const struct flight* flight) {
    return config.adopts_until && is_midstream_packet(flight) && flight->packet.fragment == FRAGMENT_NONE &&
           !flight->translation.nat && !flight->translation.masquerade_number &&
           bpf_ktime_get_coarse_ns() < config.adopts_until * NANOSECONDS;
}

enum adoption {
    NOT_ADOPTED,          // nothing has changed
    ADOPTED,              // its connection is entered, under the rule of flight->rule
    ADOPTED_UNPROVEN,     // likewise, but only the other end could have opened it
    ADOPTION_NOT_STORED,  // the kernel could not store it
};

// Adopts the connection of a segment in mid-stream, if the policy would have let one of its ends open it.
GLOBAL enum adoption adopt(void) {
    struct flight* flight = fetch();
    const struct flow* flow;
    const struct translation* by;
    struct admission admission;

    if (!flight || is_martian_packet(flight)) return NOT_ADOPTED;
    flow = &flight->flow;
    by = &flight->translation;
    ask_about(flight, flow, TCP_SYN, flow->vlan);
    admission = admit_opener(HOOK, true, EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP);
    if (!admission.outcome) return NOT_ADOPTED;
    if ((comes_by_public_end(flow) || config.tells_vlans) &&
        (collides(flow, by, lookup(flow, false)) || collides(flow, by, lookup(flow, true))))
        return NOT_ADOPTED;
    flight->rule = admission.outcome & EDGEFW_OUTCOME_SLOT_MASK;
    if (!enter_midstream(flight, flight->rule, admission.hook)) return ADOPTION_NOT_STORED;
    note_said(flight, SAID_OF_CONNECTION, admission.hook, admission.outcome);
    return admission.hook == HOOK ? ADOPTED : ADOPTED_UNPROVEN;
}

// Enters the connection that the packet opens, half open, under no rule. Without a policy nothing is translated.
// open_connection() is not used here: it tracks a connection that another processor entered meanwhile, and from here
// its calls exceed the stack.
static __always_inline void enter_opener(CONTEXT* context, struct flight* flight) {
    const struct flow* flow = &flight->flow;
    struct edgefw_connection* fresh = &flight->fresh;

    begin(fresh, flow, EDGEFW_SLOT_NONE, HOOK, first_state(flow->protocol));
    fresh->end[HOOK].bytes = wire_bytes(&flight->packet);
    if (flow->protocol == IPPROTO_TCP) note_opener(context, &flight->packet, fresh);
    store_opening(flow, fresh, BPF_ANY);
}

// Learns the connections that run while there is no policy, so that the first policy finds them. No verdict depends on
// it, also where a table is full. Packets that a built-in rule passes never open a connection, so they are not learned
// either.
GLOBAL int learn(CONTEXT* context) {
    struct flight* flight = fetch();
    struct found found;

    if (!flight || !flight->flow.tracked || flight->packet.fragment != FRAGMENT_NONE) return 0;
    if (builtin_of_packet(context, flight) != NO_BUILTIN) return 0;
    found = live(&flight->flow, &flight->translation, false);
    if (found.connection) {
        if (is_stray_reset(flight, found)) return 0;
        pass_along(flight, found.connection, true);
        advance(context, flight, found);
    } else if (is_midstream_packet(flight)) {
        enter_midstream(flight, EDGEFW_SLOT_NONE, HOOK);
    } else if (flight->flow.opens && !is_open_in_midstream(&flight->flow)) {
        enter_opener(context, flight);
    }
    return 0;
}
