// The judging programs: one instance a card and generation, specialised by `config`. The stages, in order.
//
// The common paths are inline: on machines that guard returns a call costs as much as a header's parsing (9 ns
// measured). All else is in global functions, which the verifier checks once, whatever the number of callers.
#include "bpf/account.h"
#include "bpf/decide.h"
#include "bpf/dissect.h"
#include "bpf/translate.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

__noinline int decide_received(struct packet* packet) {
    return packet ? decide(NULL, packet, EDGEFW_RECEIVED) : 0;
}

__noinline int decide_sent(struct packet* packet) {
    return packet ? decide(NULL, packet, EDGEFW_SENT) : 0;
}

// Of a packet that no known connection has passed. With connections inline, a call less for whatever opens or drops
// (8 ns); without them that would make the verifier walk it once for every way to dissect (238,000 instructions instead
// of 48,000).
static __always_inline bool decide_unknown(void* context, struct packet* packet, const __u32 hook) {
    if (config.keeps_state) return decide(context, packet, hook);
    return hook == EDGEFW_RECEIVED ? decide_received(packet) : decide_sent(packet);
}

__noinline int translate_received(struct xdp_md* context, struct packet* packet) {
    return packet && write_translation(context, EDGEFW_RECEIVED, packet);
}

__noinline int translate_sent(struct __sk_buff* context, struct packet* packet) {
    return packet && write_translation(context, EDGEFW_SENT, packet);
}

__noinline int translate_error_received(struct xdp_md* context, struct packet* packet) {
    return packet && write_error(context, EDGEFW_RECEIVED, packet);
}

__noinline int translate_error_sent(struct __sk_buff* context, struct packet* packet) {
    return packet && write_error(context, EDGEFW_SENT, packet);
}

static __always_inline bool translate(void* context, struct packet* packet, const __u32 hook) {
    if (packet->reason == EDGEFW_REASON_ICMP_ERROR)
        return hook == EDGEFW_RECEIVED ? translate_error_received(context, packet)
                                       : translate_error_sent(context, packet);
    return hook == EDGEFW_RECEIVED ? translate_received(context, packet) : translate_sent(context, packet);
}

// What a built-in rule passes never is a connection under a policy, and is none before.
static __always_inline void learn_unless_builtin(void* context, struct packet* packet, const __u32 hook) {
    if (builtin_of_packet(packet, hook) != EDGEFW_BUILTIN_COUNT) return;
    if (hook == EDGEFW_RECEIVED)
        learn_received(context, packet);
    else
        learn_sent(context, packet);
}

// Everything between the frame and its verdict. Only account() counts, only the entry points return a code.
static __always_inline __u8 judge(const struct frame* frame, struct packet* packet, const __u32 hook) {
    bool opened = false;
    const __u32 malformed = dissect(frame, hook, packet);

    if (!config.armed) {
        if (malformed == EDGEFW_REASON_COUNT && packet->is_ip) learn_unless_builtin(frame->context, packet, hook);
        packet->slot = EDGEFW_SLOT_NONE;
        set(packet, EDGEFW_PASS, EDGEFW_REASON_NO_POLICY);
        account(packet, hook, false);
        return EDGEFW_PASS;
    }
    if (malformed != EDGEFW_REASON_COUNT || !packet->is_ip) measure(frame, hook, packet);
    if (malformed != EDGEFW_REASON_COUNT) {
        set(packet, EDGEFW_DROP, malformed);
        account(packet, hook, false);
        return EDGEFW_DROP;
    }
    // An error is asked first what it quotes; a later fragment follows the first.
    if (hook == EDGEFW_RECEIVED && config.translates && !packet->is_error && packet->fragment != FRAGMENT_LATER)
        translate_destination(packet);
    if (!pass_known(frame->context, packet, hook)) opened = decide_unknown(frame->context, packet, hook);
    if (config.translates && packet->nat && packet->verdict == EDGEFW_PASS && !translate(frame->context, packet, hook))
        set(packet, EDGEFW_DROP, EDGEFW_REASON_TRANSLATE_FAILED);
    account(packet, hook, opened);
    return packet->verdict;
}

SEC("xdp.frags")
int judge_received(struct xdp_md* context) {
    struct frame frame = {(void*)(long)context->data, (void*)(long)context->data_end, context};
    struct packet packet = {.length = frame.data_end - frame.data, .segments = 1};

    // A frame that starts in fragments of its buffer alone, or of which nothing will be read.
    if (!config.armed) packet.length = bpf_xdp_get_buff_len(context);
    return judge(&frame, &packet, EDGEFW_RECEIVED) == EDGEFW_PASS ? XDP_PASS : XDP_DROP;
}

// TC_ACT_UNSPEC is TCX_NEXT: what passes goes on to the programs behind this one.
SEC("tcx/egress")
int judge_sent(struct __sk_buff* context) {
    struct frame frame = {(void*)(long)context->data, (void*)(long)context->data_end, context};
    struct packet packet = {
        .length = context->len,
        .segments = context->gso_segs > 1 ? context->gso_segs : 1,
        .held_tag = context->vlan_tci,
        .has_held_tag = context->vlan_present,
    };

    return judge(&frame, &packet, EDGEFW_SENT) == EDGEFW_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}
