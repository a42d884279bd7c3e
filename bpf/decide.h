// SPDX-License-Identifier: GPL-2.0-only
// decide: what the other stages found -> one verdict and one reason.
//
//   takes    the flight, and what dissect and track found
//   gives    struct decision
//   before   dissect (bpf/frame/dissect.h), then track_first() (bpf/connection/track.h)
//   asks     relate, track, translate (bpf/nat/find.h), adopt, classify, open
//   after    translate (bpf/nat/write.h) for a packet that passes; account (bpf/account.h)
//
// The order is that of docs/semantics.md. The other stages say what they found, and nothing else makes a decision.
#pragma once

#include "bpf/connection/adopt.h"
#include "bpf/connection/fragment.h"
#include "bpf/connection/open.h"
#include "bpf/connection/relate.h"
#include "bpf/connection/track.h"
#include "bpf/flow/builtins.h"
#include "bpf/flow/classify.h"

static __always_inline struct decision pass(__u8 reason, __u32 slot) {
    return (struct decision){.slot = slot, .verdict = EDGEFW_PASS, .reason = reason};
}

static __always_inline struct decision drop(__u8 reason) {
    return (struct decision){.slot = EDGEFW_SLOT_NONE, .verdict = EDGEFW_DROP, .reason = reason};
}

// Drops a packet that `of` passes. It counts for the rule or NAT entry that would have passed it.
static __always_inline struct decision drop_instead(struct decision of, __u8 reason) {
    of.verdict = EDGEFW_DROP;
    of.reason = reason;
    of.opened = false;
    return of;
}

// No policy is in force: everything passes.
static __always_inline struct decision decide_unarmed(void) {
    return pass(EDGEFW_REASON_NO_POLICY, EDGEFW_SLOT_NONE);
}

// dissect has refused the shape of the packet.
static __always_inline struct decision decide_malformed(const struct packet* packet, enum edgefw_reason malformed) {
    struct decision decision = drop(malformed);

    if (packet->is_segment_routed) decision.slot = EDGEFW_SLOT_FIRST_BUILTIN + EDGEFW_BUILTIN_SEGMENT_ROUTING;
    return decision;
}

// The kernel refused to write the translation of a packet that passes. The packet must not leave as it is, nor half
// written.
static __always_inline struct decision decide_unwritten(struct decision passing) {
    return drop_instead(passing, EDGEFW_REASON_TRANSLATE_FAILED);
}

// A built-in rule passes the packet as it is: nothing translates it.
static __always_inline struct decision pass_builtin(struct flight* flight, enum edgefw_builtin builtin) {
    flight->translation.nat = 0;
    return pass(EDGEFW_REASON_BUILTIN, EDGEFW_SLOT_FIRST_BUILTIN + builtin);
}

// A frame that is neither IPv4 nor IPv6. The rules that name its ethertype decide; they keep no state.
static __always_inline struct decision decide_link(struct flight* flight) {
    const enum edgefw_builtin builtin = builtin_of_link(&flight->packet);

    if (builtin != NO_BUILTIN) return pass_builtin(flight, builtin);
    if (config.link_forest[HOOK].groups > 0) {
        const __u32 outcome = classify_link();

        if (outcome & OUTCOME_BY_RULE) {
            note_said(flight, SAID_OF_LINK, HOOK, outcome);
            return (struct decision){
                .slot = outcome & EDGEFW_OUTCOME_SLOT_MASK,
                .verdict = outcome & EDGEFW_OUTCOME_PASS ? EDGEFW_PASS : EDGEFW_DROP,
                .reason = EDGEFW_REASON_RULE,
                .logged = outcome & EDGEFW_OUTCOME_LOG,
            };
        }
    }
    note_said(flight, SAID_OF_LINK, HOOK, config.default_outcome[HOOK] & EDGEFW_OUTCOME_PASS);
    if (config.default_outcome[HOOK] & EDGEFW_OUTCOME_PASS) return pass(EDGEFW_REASON_DEFAULT, EDGEFW_SLOT_NONE);
    return drop(EDGEFW_REASON_UNSUPPORTED_ETHERTYPE);
}

static __always_inline struct decision decide_later_fragment(struct flight* flight) {
    const struct edgefw_fragment* first = first_fragment(flight);

    if (!first) return drop(EDGEFW_REASON_FRAGMENT_WITHOUT_FIRST);
    return pass(EDGEFW_REASON_FRAGMENT, first->rule);
}

// The packet's connection has been revoked. The packet counts for no rule and no NAT entry.
static __always_inline struct decision drop_revoked(struct flight* flight) {
    flight->translation.nat = 0;
    return drop(EDGEFW_REASON_REVOKED);
}

// A connection decides. `tracking` is not TRACK_NEW.
static __always_inline struct decision decide_tracked(struct flight* flight, enum tracking tracking) {
    if (tracking == TRACK_KNOWN) return pass(EDGEFW_REASON_CONNECTION, flight->rule);
    return tracking == TRACK_REVOKED ? drop_revoked(flight) : drop(EDGEFW_REASON_TCP_SEQUENCE);
}

static __always_inline struct decision decide_related(struct flight* flight, enum relation relation) {
    return relation == RELATED ? pass(EDGEFW_REASON_ICMP_ERROR, flight->rule) : drop_revoked(flight);
}

// The packet's connection is adopted: the packet passes as the opener would have.
static __always_inline struct decision decide_adopted(const struct flight* flight, enum adoption adoption) {
    const __u32 rule = flight->rule;
    struct decision decision = pass(rule == EDGEFW_SLOT_NONE ? EDGEFW_REASON_DEFAULT : EDGEFW_REASON_RULE, rule);

    if (adoption == ADOPTION_NOT_STORED) return drop_instead(decision, EDGEFW_REASON_CONNECTION_TABLE);
    decision.opened = adoption == ADOPTED;
    return decision;
}

// The rules decide, or the default where none matches.
static __always_inline struct decision decide_by_rules(const struct flight* flight, __u32 outcome) {
    const bool by_rule = outcome & OUTCOME_BY_RULE;
    const bool passes = outcome & EDGEFW_OUTCOME_PASS;
    __u8 reason = by_rule ? EDGEFW_REASON_RULE : EDGEFW_REASON_DEFAULT;

    if (flight->packet.is_error && !by_rule && !passes) reason = EDGEFW_REASON_ICMP_UNRELATED;
    if (looks_for_martians(HOOK) && outcome == OUTCOME_MARTIAN) reason = EDGEFW_REASON_MARTIAN;
    return (struct decision){
        .slot = by_rule ? outcome & EDGEFW_OUTCOME_SLOT_MASK : EDGEFW_SLOT_NONE,
        .verdict = passes ? EDGEFW_PASS : EDGEFW_DROP,
        .reason = reason,
        .logged = config.records_logged && outcome & EDGEFW_OUTCOME_LOG && (!passes || flight->flow.opens),
    };
}

// Whether rules or default of the other direction open connections at all. A constant of the program.
static __always_inline bool may_be_known(void) {
    const __u32 other = OTHER(HOOK);

    return ((config.forest[other][EDGEFW_IPV4].uses | config.forest[other][EDGEFW_IPV6].uses) & EDGEFW_USES_KEEP) ||
           (config.default_outcome[other] & EDGEFW_OUTCOME_KEEP);
}

// Whether a SYN that this direction drops may still belong to a connection, opened from the other end. The trees say
// whether the other direction would have opened it, and the tables are asked only then. So a drop by default, the
// common case, costs no lookup.
static __always_inline bool may_be_answer(const struct flow* flow, __u32 outcome) {
    return flow->is_syn && may_be_known() && (outcome & (OUTCOME_BY_RULE | EDGEFW_OUTCOME_ASK));
}

// Applies NAT to a packet without a connection, so that the rules see the inside address.
static __always_inline void translate_unknown(struct flight* flight) {
    if (!config.translates || flight->flow.family != EDGEFW_IPV4) return;
    if (HOOK == EDGEFW_SENT)
        translate_source(&flight->flow, &flight->translation);
    else if (flight->packet.is_error)
        translate_destination(&flight->flow, &flight->translation);
}

// The rules pass the packet. It opens a connection if the rule keeps state, or if NAT by ports needs one.
static __always_inline struct decision decide_opening(CONTEXT* context, struct flight* flight, struct decision passing,
                                                      __u32 outcome) {
    const bool needs_connection = flight->translation.needs_tracking;

    if (!flight->flow.tracked || !flight->flow.opens)
        return needs_connection ? drop_instead(passing, EDGEFW_REASON_NAT_UNTRACKED) : passing;
    if (!(outcome & EDGEFW_OUTCOME_KEEP) && !needs_connection) return passing;
    switch (open_connection(context, flight, passing.slot)) {
        case OPENING_DONE:
            passing.opened = true;
            return passing;
        case OPENING_KNOWN:
            return decide_tracked(flight, TRACK_KNOWN);
        case OPENING_REVOKED:
            return decide_tracked(flight, TRACK_REVOKED);
        case OPENING_STRAY_RESET:
            return decide_tracked(flight, TRACK_STRAY_RESET);
        case OPENING_BESIDE:
            return passing;
        case OPENING_COLLIDES:
            return drop_instead(passing, EDGEFW_REASON_NAT_COLLISION);
        case OPENING_OTHER_VLAN:
            return drop_instead(passing, EDGEFW_REASON_VLAN_COLLISION);
        case OPENING_NO_PORT:
            return drop_instead(passing, EDGEFW_REASON_NAT_PORTS);
        default:
            return drop_instead(passing, EDGEFW_REASON_CONNECTION_TABLE);
    }
}

// Asks track for the packets that track_first() leaves alone.
static __always_inline enum tracking track_before_rules(CONTEXT* context, struct flight* flight) {
    // track_first() asks for whole packets only.
    if (flight->packet.fragment == FRAGMENT_FIRST && flight->flow.tracked && !flight->flow.is_syn &&
        may_have_connection(flight->flow.protocol)) {
        const enum tracking tracking = track(context, false);

        if (tracking != TRACK_NEW) return tracking;
    }
    // No masqueraded connection has the public end any more. It may be the end of a connection that is not translated.
    if (HOOK == EDGEFW_RECEIVED && config.masquerades && flight->translation.to_masqueraded) {
        untranslate(&flight->flow, &flight->translation);
        return track(context, false);
    }
    return TRACK_NEW;
}

// A packet that no connection has passed yet: steps 6 to 8 of docs/semantics.md.
static __always_inline struct decision decide_by_state(CONTEXT* context, struct flight* flight) {
    struct decision decision;
    __u32 outcome;

    if (config.keeps_state && flight->packet.is_error && flight->packet.fragment == FRAGMENT_NONE) {
        const enum relation relation = relate(context);

        if (relation != UNRELATED) return decide_related(flight, relation);
    }
    if (config.keeps_state) {
        const enum tracking tracking = track_before_rules(context, flight);

        if (tracking != TRACK_NEW) return decide_tracked(flight, tracking);
    }
    translate_unknown(flight);
    if (config.keeps_state && may_be_adopted(flight)) {
        const enum adoption adoption = adopt();

        if (adoption != NOT_ADOPTED) return decide_adopted(flight, adoption);
    }
    outcome = classify(flight);
    note_said(flight, SAID_OF_PACKET, HOOK, outcome);
    decision = decide_by_rules(flight, outcome);
    if (!config.keeps_state) return decision;
    // It may open, and so the rules were asked first.
    if (config.retains_until && flight->packet.is_revoked && decision.verdict == EDGEFW_DROP)
        return drop_revoked(flight);
    if (decision.verdict == EDGEFW_PASS) return decide_opening(context, flight, decision, outcome);
    if (may_be_answer(&flight->flow, outcome)) {
        const enum tracking tracking = track(context, false);

        // TRACK_REVOKED: the rules drop the packet, too, and they say why.
        if (tracking == TRACK_KNOWN || tracking == TRACK_STRAY_RESET) {
            note_said(flight, SAID_OF_NOTHING, HOOK, 0);  // its connection decides
            return decide_tracked(flight, tracking);
        }
        if (tracking == TRACK_REVOKED) flight->translation.nat = 0;
    }
    return decision;
}

// A well-formed packet that track_first() has not decided.
static __always_inline struct decision decide(CONTEXT* context, struct flight* flight) {
    struct decision decision;
    enum edgefw_builtin builtin;

    if (!flight->packet.is_ip) return decide_link(flight);
    if (flight->packet.fragment == FRAGMENT_LATER) return decide_later_fragment(flight);
    builtin = builtin_of_packet(context, flight);
    if (builtin != NO_BUILTIN) return pass_builtin(flight, builtin);
    decision = decide_by_state(context, flight);
    if (flight->packet.fragment == FRAGMENT_FIRST && decision.verdict == EDGEFW_PASS)
        remember_fragment(flight, decision.slot);
    return decision;
}
