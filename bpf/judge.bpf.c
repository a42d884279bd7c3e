// The judging programs: one instance a card and generation, specialised by `config`. The stages, in order.
//
// dissect, decide and the writing of a translation are global functions, one of each hook: the verifier checks each
// once instead of once for every path that leads to it (measured: 5 s and more inlined, milliseconds apart).
#include "bpf/account.h"
#include "bpf/decide.h"
#include "bpf/dissect.h"
#include "bpf/translate.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 dissect_received(struct xdp_md* context, struct packet* packet) {
    if (!packet) return EDGEFW_REASON_MALFORMED_ETHERNET;
    struct frame frame = {(void*)(long)context->data, (void*)(long)context->data_end, context, packet->length};

    return dissect(&frame, EDGEFW_RECEIVED, packet);
}

__noinline __u32 dissect_sent(struct __sk_buff* context, struct packet* packet) {
    if (!packet) return EDGEFW_REASON_MALFORMED_ETHERNET;
    struct frame frame = {(void*)(long)context->data, (void*)(long)context->data_end, context, packet->length};

    return dissect(&frame, EDGEFW_SENT, packet);
}

__noinline int decide_received(struct packet* packet) {
    return packet ? decide(packet, EDGEFW_RECEIVED) : 0;
}

__noinline int decide_sent(struct packet* packet) {
    return packet ? decide(packet, EDGEFW_SENT) : 0;
}

__noinline int translate_received(struct xdp_md* context, struct packet* packet) {
    return packet && write_translation(context, EDGEFW_RECEIVED, packet);
}

__noinline int translate_sent(struct __sk_buff* context, struct packet* packet) {
    return packet && write_translation(context, EDGEFW_SENT, packet);
}

// Everything between the frame and its verdict. Only account() counts, only the entry points return a code.
static __always_inline __u8 judge(void* context, struct packet* packet, const __u32 hook) {
    bool opened = false, translated = true;
    __u32 malformed;

    if (!config.armed && packet->segments <= 1) {
        set(packet, EDGEFW_PASS, EDGEFW_REASON_NO_POLICY);
        account(packet, hook, false);
        return EDGEFW_PASS;
    }
    malformed = hook == EDGEFW_RECEIVED ? dissect_received(context, packet) : dissect_sent(context, packet);
    if (!config.armed)
        set(packet, EDGEFW_PASS, EDGEFW_REASON_NO_POLICY);
    else if (malformed != EDGEFW_REASON_COUNT)
        set(packet, EDGEFW_DROP, malformed);
    else
        opened = hook == EDGEFW_RECEIVED ? decide_received(packet) : decide_sent(packet);
    if (config.has_forwards && packet->nat && packet->verdict == EDGEFW_PASS)
        translated = hook == EDGEFW_RECEIVED ? translate_received(context, packet) : translate_sent(context, packet);
    if (!translated) set(packet, EDGEFW_DROP, EDGEFW_REASON_TRANSLATE_FAILED);
    account(packet, hook, opened);
    return packet->verdict;
}

SEC("xdp.frags")
int judge_received(struct xdp_md* context) {
    struct packet packet = {.length = bpf_xdp_get_buff_len(context), .segments = 1};

    return judge(context, &packet, EDGEFW_RECEIVED) == EDGEFW_PASS ? XDP_PASS : XDP_DROP;
}

// TC_ACT_UNSPEC is TCX_NEXT: what passes goes on to the programs behind this one.
SEC("tcx/egress")
int judge_sent(struct __sk_buff* context) {
    struct packet packet = {
        .length = context->len,
        .segments = context->gso_segs > 1 ? context->gso_segs : 1,
        .held_tag = context->vlan_tci,
        .has_held_tag = context->vlan_present,
    };

    return judge(context, &packet, EDGEFW_SENT) == EDGEFW_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}
