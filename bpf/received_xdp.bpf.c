// SPDX-License-Identifier: GPL-2.0-only
// What a card receives, judged at its XDP hook.
#include "bpf/frame/context_xdp.h"

#define HOOK EDGEFW_RECEIVED

#include "bpf/nat/write_xdp.h"

#include "bpf/judge.h"

SEC("xdp.frags")
int judge_received(struct xdp_md* context) {
    return judge(context);
}
