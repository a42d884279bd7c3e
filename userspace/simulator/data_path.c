// SPDX-License-Identifier: GPL-2.0-only
// The judging programs, compiled for user space from the source that the kernel's are compiled from. A frame that is
// received is written as XDP writes it, one that is sent as tc does.
#include "bpf/frame/context_simulated.h"

#define rewrite(...) rewrite_received(__VA_ARGS__)
#include "bpf/nat/write_xdp.h"
#undef rewrite
#define rewrite(...) rewrite_sent(__VA_ARGS__)
#include "bpf/nat/write_skb.h"
#undef rewrite

static __always_inline bool rewrite(CONTEXT* context, const struct flight* flight, const struct rewrite* change,
                                    bool ports) {
    return HOOK == EDGEFW_RECEIVED ? rewrite_received(context, flight, change, ports)
                                   : rewrite_sent(context, flight, change, ports);
}

#include "bpf/judge.h"

int simulate(struct simulated_instance* instance, struct simulated_frame* frame) {
    simulated = instance;
    return judge(frame);
}
