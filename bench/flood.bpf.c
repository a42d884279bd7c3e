// SPDX-License-Identifier: GPL-2.0-only
// The traffic generator of the drop rates: run with BPF_F_TEST_XDP_LIVE_FRAMES, as xdp-trafficgen does, it hands one
// frame a run to a card. Source address and port change from frame to frame, and the checksums with them: a stack
// that checks them must find them right.
#include "bench/checksum.h"

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define IP_CHECKSUM 24
#define SOURCE_ADDRESS_LOW 28
#define SOURCE_PORT 34
#define TCP_CHECKSUM 50
#define FRAME_SIZE 60
#define FIRST_PORT 1024

const volatile __u32 ifindex;
// One's complement sums of the headers without the three 16-bit words that change.
const volatile __u32 ip_sum;
const volatile __u32 tcp_sum;

// Frames of one burst; set before it. The clock is read at the first and the last frame, so that what BPF_PROG_TEST_RUN
// does before and after (some milliseconds) is not in the figure.
__u32 frames;
__u32 sequence;
__u64 first_ns;
__u64 last_ns;

SEC("xdp")
int flood(struct xdp_md* context) {
    void* data = (void*)(long)context->data;
    __be16 address, port;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    if (sequence == 0) first_ns = bpf_ktime_get_ns();
    sequence++;
    if (sequence == frames) last_ns = bpf_ktime_get_ns();
    address = bpf_htons(sequence);
    port = bpf_htons(FIRST_PORT + (sequence >> 4 & 0x7fff));
    *(__be16*)(data + SOURCE_ADDRESS_LOW) = address;
    *(__be16*)(data + SOURCE_PORT) = port;
    *(__be16*)(data + IP_CHECKSUM) = checksum_of(ip_sum + address);
    *(__be16*)(data + TCP_CHECKSUM) = checksum_of(tcp_sum + address + port);
    return bpf_redirect(ifindex, 0);
}
