// SPDX-License-Identifier: GPL-2.0-only
// A judging program: the stages, in order. A unit includes its context (bpf/frame/context_xdp.h or
// bpf/frame/context_skb.h), says its HOOK, includes how a translation is written (bpf/nat/write_xdp.h or
// bpf/nat/write_skb.h), and then this file.
//
//   claim -> dissect -> translate (received: find) -> track -> decide -> translate (write) -> account -> release
//
// record comes behind decide for what a rule logs and passes, behind account for what drops.
//
// The shadow comes behind release: another policy that is asked, too, in a program of its own (bpf/shadow.h).
//
// decide asks other stages in its turn: relate, track, translate (sent: find), adopt, classify, open.
//
// The common paths are inline: on machines that guard returns a call costs as much as parsing a header (9 ns measured).
// Everything else is in functions of their own.
#pragma once

#define IS_SHADOW false

#include "bpf/account.h"
#include "bpf/decide.h"
#include "bpf/frame/dissect.h"
#include "bpf/record.h"
#include "bpf/shadow.h"

char LICENSE[] SEC("license") = "GPL";

// Writes the translation of a packet that passes. False: the kernel refuses. The caller hands the flight on, because
// every translated packet comes here, and fetching it again takes 1 to 2 ns.
GLOBAL int write_translation(CONTEXT* context, const struct flight* flight) {
    struct rewrite change;

    if (!flight) return false;
    change = rewrite_of(&flight->flow, &flight->translation);
    return rewrite(context, flight, &change, flight->packet.fragment != FRAGMENT_LATER);
}

static __always_inline struct decision translate(CONTEXT* context, const struct flight* flight,
                                                 struct decision decision) {
    const bool is_error = decision.reason == EDGEFW_REASON_ICMP_ERROR;
    const bool written = is_error ? write_error(context) : write_translation(context, flight);

    return written ? decision : decide_unwritten(decision);
}

// Without a policy every packet passes and is counted, and connections of well-formed packets are learned.
static __always_inline struct decision judge_unarmed(CONTEXT* context, struct flight* flight,
                                                     enum edgefw_reason malformed) {
    if (malformed == WELL_FORMED && flight->packet.is_ip) learn(context);
    return decide_unarmed();
}

static __always_inline struct decision judge_armed(CONTEXT* context, struct flight* flight,
                                                   enum edgefw_reason malformed) {
    struct packet* packet = &flight->packet;
    struct decision decision;
    enum tracking tracking;

    if (malformed != WELL_FORMED || !packet->is_ip) measure(context, packet);
    if (malformed != WELL_FORMED) return decide_malformed(packet, malformed);
    // An error is first asked what it quotes. A later fragment is translated as its first one was.
    if (HOOK == EDGEFW_RECEIVED && config.translates && !packet->is_error && packet->fragment != FRAGMENT_LATER)
        translate_destination(&flight->flow, &flight->translation);
    tracking = track_first(context, flight);
    if (tracking != TRACK_NEW)
        decision = decide_tracked(flight, tracking);
    else
        decision = decide(context, flight);
    if (config.records_logged && decision.logged && decision.verdict == EDGEFW_PASS)
        record_packet(context, &decision, packet->is_ip);
    if (config.translates && flight->translation.nat && decision.verdict == EDGEFW_PASS)
        decision = translate(context, flight, decision);
    return decision;
}

// Judges one packet. Returns what the hook takes for an answer.
static __always_inline int judge(CONTEXT* context) {
    struct flight* flight = claim();
    struct decision decision;
    enum edgefw_reason malformed;
    __u8 protocol = 0;
    bool asks;

    if (!flight) {
        count_reason(EDGEFW_DROP, EDGEFW_REASON_BUSY, 1, whole_length(context));
        return drop_code(HOOK, 0);
    }
    flight->flow = (struct flow){};
    flight->packet = (struct packet){};
    flight->translation = (struct translation){};
    if (config.shadow) flight->said = (struct said){};
    describe_frame(context, &flight->packet);
    malformed = dissect(context, flight);
    decision = config.armed ? judge_armed(context, flight, malformed) : judge_unarmed(context, flight, malformed);
    account(flight, &decision);
    if (decision.verdict != EDGEFW_PASS) {
        protocol = flight->flow.protocol;
        record_packet(context, &decision, malformed == WELL_FORMED && flight->packet.is_ip);
    }
    asks = config.shadow && ask_shadow();
    release(flight);
    if (asks) call_shadow(context, decision.verdict);
    return decision.verdict == EDGEFW_PASS ? CODE_PASS : drop_code(HOOK, protocol);
}
