// SPDX-License-Identifier: GPL-2.0-only
// What a card receives, judged at tc ingress: a card that has no XDP of its own, or no Ethernet header.
#include "bpf/frame/context_skb.h"

#define HOOK EDGEFW_RECEIVED

#include "bpf/nat/write_skb.h"

#include "bpf/judge.h"

SEC("tcx/ingress")
int judge_received(struct __sk_buff* context) {
    return judge(context);
}
