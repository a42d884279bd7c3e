// SPDX-License-Identifier: GPL-2.0-only
// What a card sends, judged at tc egress.
#include "bpf/frame/context_skb.h"

#define HOOK EDGEFW_SENT

#include "bpf/nat/write_skb.h"

#include "bpf/judge.h"

SEC("tcx/egress")
int judge_sent(struct __sk_buff* context) {
    return judge(context);
}
