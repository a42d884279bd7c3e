// SPDX-License-Identifier: GPL-2.0-only
// Drivers: they call the program under test, read the clock at two repetitions, and put things back before each where
// that is asked for (BPF_PROG_TEST_RUN repeats one frame and keeps what programs write into it). What a driver itself
// takes is in the no-op's figure too, and is subtracted with it.
//
// The kernel's own figure would do but for two things: it is cut to whole nanoseconds, and each run begins with empty
// address translation caches (Linux 6.18 rewrites its XDP dispatcher for it).
#include "bench/checksum.h"
#include "maps/connection.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define IP_HEADER 14
#define SOURCE_ADDRESS_LOW 28
#define DESTINATION_ADDRESS_LOW 32
#define SOURCE_PORT 34
#define DESTINATION_PORT 36
#define TCP_CHECKSUM 50
#define SAVED 64  // a copy of the headers from the IP header on, behind the packet: no program reads it
#define SAVED_SIZE 40
#define FRAME_SIZE (SAVED + SAVED_SIZE)
#define FIRST_PORT 1024
#define PORT_BITS 15

// The program under test, one array a hook: their programs are of different types.
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} received_target SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} sent_target SEC(".maps");

// reopen: the table that the program under test opens connections in. Replaced by it before load.
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 131072);  // as EDGEFW_CONNECTIONS_DEFAULT
    __type(key, struct edgefw_connection4_key);
    __type(value, struct edgefw_connection);
} connections SEC(".maps");

// Set before each run.
__u32 first;                           // the repetition, counted from 0, at which the time begins
__u32 last;                            // and at which it ends
struct edgefw_connection4_key opened;  // reopen: what each repetition opens
__u32 sequence;
__u32 spread_first;  // spread: the number of the first remote,
__u32 spread_step;   // how far it is to the next one,
__u32 spread_count;  // and how many there are
// Set by the run.
__u64 first_ns;
__u64 last_ns;
__u64 excluded_ns;

static __always_inline void read_clock(void) {
    if (sequence == first) first_ns = bpf_ktime_get_ns();
    if (sequence == last) last_ns = bpf_ktime_get_ns();
    sequence++;
}

// The program under test goes on; it returns where there is none.
static __always_inline int call_received(struct xdp_md* context) {
    bpf_tail_call_static(context, &received_target, 0);
    return XDP_ABORTED;
}

static __always_inline int call_sent(struct __sk_buff* context) {
    bpf_tail_call_static(context, &sent_target, 0);
    return TC_ACT_SHOT;
}

// The frame as it is.
SEC("xdp.frags")
int drive_received(struct xdp_md* context) {
    read_clock();
    return call_received(context);
}

// Another source port each time: as many distinct connections as there are repetitions.
SEC("xdp.frags")
int rotate_received(struct xdp_md* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    *(__be16*)(data + SOURCE_PORT) = bpf_htons(FIRST_PORT + sequence);
    read_clock();
    return call_received(context);
}

// Another remote each time: `address` and `port` are the offsets of its low address half and its port.
static __always_inline void spread(void* data, __u32 address, __u32 port) {
    __u32 remote = (spread_first + (__u64)sequence * spread_step) % spread_count;

    *(__be16*)(data + address) = bpf_htons(remote >> PORT_BITS);
    *(__be16*)(data + port) = bpf_htons(FIRST_PORT + (remote & ((1 << PORT_BITS) - 1)));
}

SEC("xdp.frags")
int spread_received(struct xdp_md* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    spread(data, SOURCE_ADDRESS_LOW, SOURCE_PORT);
    read_clock();
    return call_received(context);
}

SEC("tcx/egress")
int spread_sent(struct __sk_buff* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return TC_ACT_SHOT;
    spread(data, DESTINATION_ADDRESS_LOW, DESTINATION_PORT);
    read_clock();
    return call_sent(context);
}

// The same connection is opened each time: what the last repetition left is deleted, off the clock.
SEC("xdp.frags")
int reopen_received(struct xdp_md* context) {
    __u64 start;

    read_clock();
    start = bpf_ktime_get_ns();
    bpf_map_delete_elem(&connections, &opened);
    if (sequence > first + 1) excluded_ns += bpf_ktime_get_ns() - start;
    return call_received(context);
}

// The headers as they were: a translating program has changed them.
static __always_inline void rewind(void* data) {
    __u64* to = __builtin_assume_aligned(data + IP_HEADER, 8);
    const __u64* from = __builtin_assume_aligned(data + SAVED, 8);

#pragma unroll
    for (int i = 0; i < SAVED_SIZE / 8; i++)
        to[i] = from[i];
}

// The headers as they were, but for another source port and the checksum that goes with it.
static __always_inline void rewind_rotated(void* data) {
    __u16 port = bpf_htons(FIRST_PORT + sequence);
    __u32 sum;

    rewind(data);
    sum = (__u16) ~*(__u16*)(data + TCP_CHECKSUM) + (__u16) ~*(__u16*)(data + SOURCE_PORT) + port;
    *(__u16*)(data + SOURCE_PORT) = port;
    *(__u16*)(data + TCP_CHECKSUM) = checksum_of(sum);
}

SEC("xdp.frags")
int rewind_rotated_received(struct xdp_md* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    rewind_rotated(data);
    read_clock();
    return call_received(context);
}

SEC("tcx/egress")
int rewind_rotated_sent(struct __sk_buff* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return TC_ACT_SHOT;
    rewind_rotated(data);
    read_clock();
    return call_sent(context);
}

SEC("xdp.frags")
int rewind_received(struct xdp_md* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    rewind(data);
    read_clock();
    return call_received(context);
}

SEC("tcx/egress")
int rewind_sent(struct __sk_buff* context) {
    void* data = (void*)(long)context->data;

    if (data + FRAME_SIZE > (void*)(long)context->data_end) return TC_ACT_SHOT;
    rewind(data);
    read_clock();
    return call_sent(context);
}
