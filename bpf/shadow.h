// SPDX-License-Identifier: GPL-2.0-only
// shadow: what the rules in force have said is asked of a second policy, too, which decides nothing.
//
//   takes    the flight, and what the rules said of it (note_said() in bpf/flight.h)
//   gives    a question for the shadow's program, which is called last
//   before   classify (bpf/flow/classify.h) or a connection that is judged again (bpf/connection/rejudge.h)
//   after    bpf/shadow_judge.h, in a program of its own: the judging program has ended then, its verdict stands, and
//            there is one shadow program for each verdict, so that nothing the shadow does can change it
//
// Without a shadow none of this is in the program. With one, a packet of a known connection does not come here.
#pragma once

#include "bpf/flight.h"
#include "bpf/maps.h"

// Writes the question. False: there is none, or the one of another packet is not answered yet.
GLOBAL int ask_shadow(void) {
    const struct flight* flight = fetch();
    __u32 zero = 0;
    struct shadow_question* question;

    if (!flight || flight->said.of == SAID_OF_NOTHING) return false;
    question = bpf_map_lookup_elem(&shadow_question, &zero);
    if (!question || question->busy) return false;
    question->said = flight->said;
    question->packets = frames_of(&flight->packet);
    question->ethertype = flight->packet.ethertype;
    question->flow = flight->said.of == SAID_OF_CONNECTION ? flight->opener : flight->flow;
    question->busy = 1;
    return true;
}

// Calls the shadow's program for this verdict, and comes back where there is none.
static __always_inline void call_shadow(CONTEXT* context, __u8 verdict) {
    __u32 zero = 0;
    struct shadow_question* question;

    if (HOOK == EDGEFW_SENT) {
        if (verdict == EDGEFW_PASS)
            bpf_tail_call_static(context, &shadow_sent, EDGEFW_PASS);
        else
            bpf_tail_call_static(context, &shadow_sent, EDGEFW_DROP);
    } else if (verdict == EDGEFW_PASS) {
        bpf_tail_call_static(context, &shadow_received, EDGEFW_PASS);
    } else {
        bpf_tail_call_static(context, &shadow_received, EDGEFW_DROP);
    }
    question = bpf_map_lookup_elem(&shadow_question, &zero);
    if (question) question->busy = 0;
}
