// SPDX-License-Identifier: GPL-2.0-only
// The shadow of bpf/received_xdp.bpf.c: a program for what drops, and one for what passes.
#include "bpf/frame/context_xdp.h"

#define HOOK EDGEFW_RECEIVED

#include "bpf/shadow_judge.h"

SEC("xdp.frags")
int shadow_drops(struct xdp_md* context) {
    return drop_code(HOOK, answer(context));
}

SEC("xdp.frags")
int shadow_passes(struct xdp_md* context) {
    answer(context);
    return CODE_PASS;
}
