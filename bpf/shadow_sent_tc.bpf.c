// SPDX-License-Identifier: GPL-2.0-only
// The shadow of bpf/sent_tc.bpf.c: a program for what drops, and one for what passes.
#include "bpf/frame/context_skb.h"

#define HOOK EDGEFW_SENT

#include "bpf/shadow_judge.h"

SEC("tcx/egress")
int shadow_drops(struct __sk_buff* context) {
    return drop_code(HOOK, answer(context));
}

SEC("tcx/egress")
int shadow_passes(struct __sk_buff* context) {
    answer(context);
    return CODE_PASS;
}
