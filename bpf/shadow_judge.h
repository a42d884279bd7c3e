// SPDX-License-Identifier: GPL-2.0-only
// A program of the shadow: it asks its own policy what the policy in force was asked, and counts and records where that
// would have another verdict. It answers the packet with the verdict that was reached before it was called.
//
//   takes    the question that the judging program has left (bpf/shadow.h)
//   gives    nothing; it adds to the shadow's counters, and writes into the card's ring
//   before   a judging program that ends
//   after    nothing
//
// It has rules, and no tables, no NAT and no connections of its own: what the rules in force saw is what it is asked
// about, translated as these have it.
#pragma once

#define IS_SHADOW true

#include "bpf/flow/classify.h"
#include "bpf/frame/read.h"
#include "bpf/record.h"

#include "maps/shadow.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u8 reason_of(__u32 outcome, __u32 of, __u32 hook) {
    if (looks_for_martians(hook) && outcome == OUTCOME_MARTIAN) return EDGEFW_REASON_MARTIAN;
    if (outcome & OUTCOME_BY_RULE) return EDGEFW_REASON_RULE;
    return of == SAID_OF_LINK && !(outcome & EDGEFW_OUTCOME_PASS) ? EDGEFW_REASON_UNSUPPORTED_ETHERTYPE
                                                                  : EDGEFW_REASON_DEFAULT;
}

// What a policy says, by its outcome.
static __always_inline struct decision decision_of(__u32 outcome, __u32 of, __u32 hook) {
    return (struct decision){
        .slot = outcome & OUTCOME_BY_RULE ? outcome & EDGEFW_OUTCOME_SLOT_MASK : EDGEFW_SLOT_NONE,
        .verdict = outcome & EDGEFW_OUTCOME_PASS ? EDGEFW_PASS : EDGEFW_DROP,
        .reason = reason_of(outcome, of, hook),
        .logged = true,
    };
}

static __always_inline void count_difference(const struct shadow_question* question, const struct decision* in_force,
                                             const struct decision* shadow, struct edgefw_shadow_totals* totals) {
    const struct edgefw_shadow_difference key = {
        .slot = in_force->slot,
        .shadow_slot = shadow->slot,
        .hook = question->said.hook,
        .verdict = in_force->verdict,
        .reason = in_force->reason,
        .shadow_reason = shadow->reason,
    };
    struct edgefw_shadow_count* count = bpf_map_lookup_elem(&shadow_differences, &key);

    if (!count) {
        // Another processor may enter the same pair at this moment: then its element is found.
        const struct edgefw_shadow_count none = {};

        bpf_map_update_elem(&shadow_differences, &key, &none, BPF_NOEXIST);
        count = bpf_map_lookup_elem(&shadow_differences, &key);
    }
    if (!count) {
        totals->uncounted++;
        return;
    }
    // A connection that the policy in force keeps is asked about once. One that it revokes asks with each packet.
    if (question->said.of == SAID_OF_CONNECTION && in_force->verdict == EDGEFW_PASS)
        count->connections++;
    else
        count->packets += question->packets;
}

// Asks the shadow's rules.
GLOBAL __u32 outcome_of_shadow(__u32 of, __u32 hook) {
    __u32 outcome;

    if (of != SAID_OF_LINK) return classify_opener(hook);
    outcome = config.link_forest[HOOK].groups > 0 ? classify_link() : 0;
    return outcome ? outcome : config.default_outcome[HOOK] & EDGEFW_OUTCOME_PASS;
}

static __always_inline void compare(CONTEXT* context, struct flight* flight, const struct shadow_question* question) {
    const __u32 hook = question->said.hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    __u32 zero = 0;
    struct edgefw_shadow_totals* totals = bpf_map_lookup_elem(&shadow_totals, &zero);
    struct decision in_force, shadow;

    if (!totals) return;
    flight->flow = question->flow;
    flight->opener = question->flow;
    flight->packet = (struct packet){};
    flight->translation = (struct translation){};
    describe_frame(context, &flight->packet);
    measure(context, &flight->packet);
    flight->packet.ethertype = question->ethertype;
    flight->packet.segments = question->packets;
    flight->packet.segment_size = 0;  // they are counted
    in_force = decision_of(question->said.outcome, question->said.of, hook);
    shadow = decision_of(outcome_of_shadow(question->said.of, hook), question->said.of, hook);
    totals->asked++;
    if (in_force.verdict == shadow.verdict) return;
    totals->different++;
    count_difference(question, &in_force, &shadow, totals);
    record_packet(context, &shadow, question->said.of != SAID_OF_LINK);
}

// Answers the question. The verdict is not its own. Returns the packet's protocol, 0 where there is no question.
static __always_inline __u8 answer(CONTEXT* context) {
    __u32 zero = 0;
    struct shadow_question* question = bpf_map_lookup_elem(&shadow_question, &zero);
    struct flight* flight = claim();
    __u8 protocol;

    if (question && flight) compare(context, flight, question);
    if (flight) release(flight);
    if (!question) return 0;
    protocol = question->flow.protocol;
    question->busy = 0;
    return protocol;
}
