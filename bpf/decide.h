// decide: from what the earlier stages found to one verdict and one reason. The order is that of docs/semantics.md.
#pragma once

#include "bpf/adopt.h"
#include "bpf/builtins.h"
#include "bpf/classify.h"
#include "bpf/fragment.h"
#include "bpf/open.h"
#include "bpf/relate.h"
#include "bpf/track.h"

static __always_inline void set(struct packet* packet, __u8 verdict, __u8 reason) {
    packet->verdict = verdict;
    packet->reason = reason;
}

static __always_inline bool pass_builtin(struct packet* packet, __u32 builtin) {
    if (builtin == EDGEFW_BUILTIN_COUNT) return false;
    set(packet, EDGEFW_PASS, EDGEFW_REASON_BUILTIN);
    packet->slot = EDGEFW_SLOT_FIRST_BUILTIN + builtin;
    return true;
}

// Neither IPv4 nor IPv6: no rule can name it.
static __always_inline void decide_link(struct packet* packet, const __u32 hook) {
    if (pass_builtin(packet, builtin_of_link(packet))) return;
    if (config.default_outcome[hook] & EDGEFW_OUTCOME_PASS)
        set(packet, EDGEFW_PASS, EDGEFW_REASON_DEFAULT);
    else
        set(packet, EDGEFW_DROP, EDGEFW_REASON_UNSUPPORTED_ETHERTYPE);
}

// Whether rules or default of the other direction open connections at all: a constant of the program.
static __always_inline bool may_be_known(__u32 hook) {
    const __u32 other = OTHER(hook);

    return ((config.forest[other][EDGEFW_IPV4].uses | config.forest[other][EDGEFW_IPV6].uses) & EDGEFW_USES_KEEP) ||
           (config.default_outcome[other] & EDGEFW_OUTCOME_KEEP);
}

// A SYN that this direction drops can still be known: opened from the other end. The table is asked only where the
// other direction would have opened it, which the trees say: a drop by default, the common case, costs no lookup.
static __always_inline bool track_syn(void* context, struct packet* packet, const __u32 hook) {
    if (packet->reason == EDGEFW_REASON_DEFAULT && !(packet->outcome & EDGEFW_OUTCOME_ASK)) return false;
    return may_be_known(hook) && track(context, packet, hook);
}

// By rules, or by the default where none matches. Sets slot and outcome; opens no connection.
static __always_inline void decide_by_rules(struct packet* packet, __u32 hook) {
    __u32 outcome = config.default_outcome[hook];
    __u8 reason = EDGEFW_REASON_DEFAULT;

    packet->slot = EDGEFW_SLOT_NONE;
    if (classify_inline(packet, TREE_INDEX(hook, packet->family & 1))) {
        outcome = packet->outcome;
        packet->slot = outcome & EDGEFW_OUTCOME_SLOT_MASK;
        reason = EDGEFW_REASON_RULE;
    }
    packet->outcome |= outcome;
    if (packet->is_error && reason == EDGEFW_REASON_DEFAULT && !(outcome & EDGEFW_OUTCOME_PASS))
        reason = EDGEFW_REASON_ICMP_UNRELATED;
    set(packet, outcome & EDGEFW_OUTCOME_PASS ? EDGEFW_PASS : EDGEFW_DROP, reason);
}

// NAT by ports keeps state also where the rule does not.
static __always_inline bool opens(const struct packet* packet) {
    if (packet->verdict != EDGEFW_PASS || !packet->tracked || !packet->opens) return false;
    return (packet->outcome & EDGEFW_OUTCOME_KEEP) || packet->needs_tracking;
}

// Of what the tables do not know: rules see it as the local end is inside, and the source gets its entry.
static __always_inline void translate_unknown(struct packet* packet, const __u32 hook) {
    if (!config.translates || packet->family != EDGEFW_IPV4) return;
    if (hook == EDGEFW_SENT)
        translate_source(packet);
    else if (packet->is_error)
        translate_destination(packet);
}

// Classified and tracked. Returns whether the packet opened a connection.
static __always_inline bool decide_by_state(void* context, struct packet* packet, const __u32 hook) {
    const bool keeps_state = context && config.keeps_state;

    if (keeps_state && packet->is_error && packet->fragment == FRAGMENT_NONE && relate(context, packet, hook))
        return false;
    // pass_known() has asked for whole packets.
    if (keeps_state && packet->fragment == FRAGMENT_FIRST && packet->tracked && !packet->is_syn &&
        track(context, packet, hook))
        return false;
    // The public end belongs to no masqueraded connection any more: it may be of one that is not translated.
    if (keeps_state && hook == EDGEFW_RECEIVED && config.masquerades && packet->masqueraded) {
        untranslate(packet);
        if (track(context, packet, hook)) return false;
    }
    translate_unknown(packet, hook);
    if (keeps_state && may_be_adopted(packet)) {
        const int adopted = hook == EDGEFW_RECEIVED ? adopt_received(packet) : adopt_sent(packet);

        if (adopted == REFUSED) set(packet, EDGEFW_DROP, EDGEFW_REASON_CONNECTION_TABLE);
        if (adopted != NOT_ADOPTED) return adopted == OPENED;
    }
    decide_by_rules(packet, hook);
    if (!keeps_state) return false;
    if (packet->needs_tracking && packet->verdict == EDGEFW_PASS && !opens(packet)) {
        set(packet, EDGEFW_DROP, EDGEFW_REASON_NAT_UNTRACKED);
        return false;
    }
    if (!opens(packet)) {
        __u32 slot = packet->slot;
        __u8 verdict = packet->verdict, reason = packet->reason;

        if (!packet->is_syn || verdict == EDGEFW_PASS) return false;
        // Revoked: then the rules, which drop it, say why.
        if (track_syn(context, packet, hook) && packet->reason != EDGEFW_REASON_REVOKED) return false;
        packet->slot = slot;
        set(packet, verdict, reason);
        return false;
    }
    switch (open(context, packet, hook)) {
        case OPENED:
            return true;
        case KNOWN:
            return false;
        case COLLIDES:
            set(packet, EDGEFW_DROP, EDGEFW_REASON_NAT_COLLISION);
            return false;
        case NO_PORT:
            set(packet, EDGEFW_DROP, EDGEFW_REASON_NAT_PORTS);
            return false;
        default:
            set(packet, EDGEFW_DROP, EDGEFW_REASON_CONNECTION_TABLE);
            return false;
    }
}

// Of a well-formed packet that pass_known() has not passed. Returns whether it opened a connection. `context`: the
// hook's, or NULL where no connections are kept.
static __always_inline int decide(void* context, struct packet* packet, const __u32 hook) {
    bool opened;

    if (!packet->is_ip) {
        decide_link(packet, hook);
        return false;
    }
    if (packet->fragment == FRAGMENT_LATER) {
        follow_fragment(packet, hook);
        return false;
    }
    if (pass_builtin(packet, builtin_of_packet(packet, hook))) return false;
    opened = decide_by_state(context, packet, hook);
    if (packet->fragment == FRAGMENT_FIRST) remember_fragment(packet, hook);
    return opened;
}
