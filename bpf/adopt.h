// adopt: what runs before the first policy. Learned while everything passes, and adopted for a while after the first
// push (docs/semantics.md, "Before the first policy").
#pragma once

#include "bpf/dissect_transport.h"
#include "bpf/open.h"
#include "bpf/rejudge.h"
#include "bpf/track.h"

#define NANOSECONDS 1000000000ull

// A TCP segment that only a connection that was open before can have: every one of those acknowledges (RFC 9293 section
// 3.10.7.4). A reset ends something and proves nothing.
static __always_inline bool is_midstream(const struct packet* packet) {
    return packet->protocol == IPPROTO_TCP && (packet->detail & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

// Enters the TCP connection of a segment in mid-stream, half open, as opened from `opener`. What the ends have scaled
// their windows by was in their SYNs: the widest is assumed, so that the numbers never stop to follow; a reset still
// has to lie between what one end acknowledged and the other sent since. Its own function: the stack is short.
static __noinline bool enter_midstream(struct packet* packet, const __u32 hook, __u32 opener) {
    struct edgefw_connection value = begun_by(packet, opener, EDGEFW_STATE_TCP_ANSWERED);
    struct edgefw_end* from = &value.end[hook];
    struct edgefw_end* to = &value.end[OTHER(hook)];

    from->bytes = wire_bytes(packet, hook);
    from->next = sequence_end(packet);
    from->acknowledged = acknowledgment(packet);
    to->next = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    from->window = to->window = FIRST_WINDOW << EDGEFW_SCALE_MAX;
    from->scale = to->scale = EDGEFW_SCALE_MAX;
    return store(packet, true, &value, BPF_ANY) == 0;
}

// After the first policy of a card: what was open before and has been quiet since the card was attached.
static __always_inline bool may_be_adopted(const struct packet* packet) {
    return config.adopts_until && is_midstream(packet) && packet->fragment == FRAGMENT_NONE && !packet->nat &&
           !packet->masquerade && bpf_ktime_get_coarse_ns() < config.adopts_until * NANOSECONDS;
}

// Adopts the connection of a segment in mid-stream, if the policy would have let one of its ends open it: with the
// verdict of that opener. Else NOT_ADOPTED, and nothing has changed.
static __always_inline enum opening adopt(struct packet* packet, const __u32 hook) {
    const __u32 needs = EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP | OTHER_HOOK_TOO;
    __u32 outcome = judge_opener(packet, hook, TCP_SYN, packet->vlan, needs);

    if (!outcome) return NOT_ADOPTED;
    if (comes_by_public_end(packet, hook) &&
        (collides(packet, lookup(packet, false), hook) || collides(packet, lookup(packet, true), hook)))
        return NOT_ADOPTED;
    packet->slot = outcome & EDGEFW_OUTCOME_SLOT_MASK;
    if (!enter_midstream(packet, hook, outcome & FROM_OTHER_HOOK ? OTHER(hook) : hook)) return REFUSED;
    packet->verdict = EDGEFW_PASS;
    packet->reason = packet->slot == EDGEFW_SLOT_NONE ? EDGEFW_REASON_DEFAULT : EDGEFW_REASON_RULE;
    return OPENED;
}

__noinline int adopt_received(struct packet* packet) {
    return packet ? adopt(packet, EDGEFW_RECEIVED) : NOT_ADOPTED;
}

__noinline int adopt_sent(struct packet* packet) {
    return packet ? adopt(packet, EDGEFW_SENT) : NOT_ADOPTED;
}

// Without a policy: what passes is remembered, so that the first policy finds what is running. No verdict depends on
// it, also where a table is full.
static __always_inline void learn(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection;

    if (!packet->tracked || packet->fragment != FRAGMENT_NONE) return;
    connection = live(packet, hook);
    if (connection) {
        if (is_stray_reset(packet, connection, hook)) return;
        pass_along(packet, connection, hook);
        advance(context, packet, connection, hook);
    } else if (is_midstream(packet)) {
        enter_midstream(packet, hook, hook);
    } else if (packet->opens) {
        open(context, packet, hook);
    }
}

__noinline int learn_received(struct xdp_md* context, struct packet* packet) {
    if (packet) learn(context, packet, EDGEFW_RECEIVED);
    return 0;
}

__noinline int learn_sent(struct __sk_buff* context, struct packet* packet) {
    if (packet) learn(context, packet, EDGEFW_SENT);
    return 0;
}
