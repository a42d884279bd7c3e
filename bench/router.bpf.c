// SPDX-License-Identifier: GPL-2.0-only
// What stands at both ends of the router in the benchmark's lab (bench/router.h): a generator that hands frames to a
// card, the two ends of a TCP handshake, and sinks that count. Ends without a stack of their own cost next to nothing:
// what the router does is most of what is timed.
#include "bench/checksum.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>

#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define TEMPLATE_SIZE 64
#define ETHERTYPE 12
#define PROTOCOL 23
#define IPV4_CHECKSUM 24
#define SOURCE_ADDRESS 26
#define DESTINATION_ADDRESS 30
#define SOURCE_PORT 34
#define DESTINATION_PORT 36
#define UDP_CHECKSUM 40
#define SEQUENCE_LOW 40
#define ACKNOWLEDGMENT_LOW 44
#define TCP_FLAGS 47
#define TCP_CHECKSUM 50
#define TCP_SIZE 54
#define UDP_SIZE 42

#define SYN 0x02
#define ACK 0x10
#define FIRST_PORT 1024
#define STAMP_EVERY 64  // arrivals: reading the clock at each would be a part of the figure

// Settings of one burst, written before it.
__u32 card;                       // that frames leave by, of this namespace
__u64 header[TEMPLATE_SIZE / 8];  // of each frame; the remote's low address half, its port and the checksums are zero
__u32 ip_sum;                     // one's complement sums of the template
__u32 transport_sum;
__u32 first_flow;
__u32 flow_mask;  // flows less one: how many remotes take turns
__be32 target;    // the address and port that a frame must have to count: proves its translation
__be16 target_port;
// Set by the burst.
__u32 emitted;
__u32 arrived;
__u32 stamped;  // arrivals at last_ns
__u64 first_ns;
__u64 last_ns;

static __always_inline void arrive(void) {
    arrived++;
    if (arrived % STAMP_EVERY != 0) return;
    stamped = arrived;
    last_ns = bpf_ktime_get_ns();
}

// Frames come back from the far end with what was written into them on the way: the whole header is written anew.
// `address` and `port`: offsets of the remote's low address half and its port.
static __always_inline int emit(struct xdp_md* context, __u32 address, __u32 port) {
    void* data = (void*)(long)context->data;
    __u64* to = __builtin_assume_aligned(data, 8);
    __u32 flow = (first_flow + emitted) & flow_mask;
    __be16 low = bpf_htons(flow), number = bpf_htons(FIRST_PORT + (flow >> 4 & 0x7fff));

    if (data + TEMPLATE_SIZE > (void*)(long)context->data_end) return XDP_ABORTED;
    if (emitted == 0) first_ns = bpf_ktime_get_ns();
    emitted++;
#pragma unroll
    for (int i = 0; i < TEMPLATE_SIZE / 8; i++)
        to[i] = header[i];
    *(__be16*)(data + address) = low;
    *(__be16*)(data + port) = number;
    *(__be16*)(data + IPV4_CHECKSUM) = checksum_of(ip_sum + low);
    if (*(__u8*)(data + PROTOCOL) == IPPROTO_TCP) {
        *(__be16*)(data + TCP_CHECKSUM) = checksum_of(transport_sum + low + number);
    } else {
        __be16 checksum = checksum_of(transport_sum + low + number);
        *(__be16*)(data + UDP_CHECKSUM) = checksum ? checksum : 0xffff;  // 0 means none (RFC 768)
    }
    return bpf_redirect(card, 0);
}

// Sends frames from the remotes.
SEC("xdp")
int emit_from(struct xdp_md* context) {
    return emit(context, SOURCE_ADDRESS + 2, SOURCE_PORT);
}

// Sends frames to the remotes: the server's answers.
SEC("xdp")
int emit_to(struct xdp_md* context) {
    return emit(context, DESTINATION_ADDRESS + 2, DESTINATION_PORT);
}

// Turns a TCP segment round to where it came from, with other flags and numbers (their low words: each is below
// 65,536). The sum over addresses and ports stays as it is.
static __always_inline void turn(void* data, __u8 flags, __be16 sequence, __be16 acknowledgment) {
    __u16* checksum = data + TCP_CHECKSUM;
    __u16* old_flags = data + TCP_FLAGS - 1;  // the word that they are in
    __u32 address = *(__u32*)(data + SOURCE_ADDRESS);
    __u16 port = *(__u16*)(data + SOURCE_PORT);
    __u16 mac[3];
    __u32 sum = (__u16) ~*checksum;

    __builtin_memcpy(mac, data, sizeof(mac));
    __builtin_memcpy(data, data + ETH_ALEN, sizeof(mac));
    __builtin_memcpy(data + ETH_ALEN, mac, sizeof(mac));
    *(__u32*)(data + SOURCE_ADDRESS) = *(__u32*)(data + DESTINATION_ADDRESS);
    *(__u32*)(data + DESTINATION_ADDRESS) = address;
    *(__u16*)(data + SOURCE_PORT) = *(__u16*)(data + DESTINATION_PORT);
    *(__u16*)(data + DESTINATION_PORT) = port;
    sum +=
        (__u16) ~*old_flags + (__u16) ~*(__u16*)(data + SEQUENCE_LOW) + (__u16) ~*(__u16*)(data + ACKNOWLEDGMENT_LOW);
    *(__u8*)(data + TCP_FLAGS) = flags;
    *(__u16*)(data + SEQUENCE_LOW) = sequence;
    *(__u16*)(data + ACKNOWLEDGMENT_LOW) = acknowledgment;
    sum += *old_flags + sequence + acknowledgment;
    *checksum = checksum_of(sum);
}

// Out of the card again. Not by XDP_TX: a veth wakes its peer for that only where the peer has an XDP program.
static __always_inline int send_back(const struct xdp_md* context) {
    return bpf_redirect(context->ingress_ifindex, 0);
}

static __always_inline bool is_tcp(const void* data, const void* end) {
    if (data + TCP_SIZE > end) return false;
    return *(__be16*)(data + ETHERTYPE) == bpf_htons(ETH_P_IP) && *(__u8*)(data + PROTOCOL) == IPPROTO_TCP;
}

static __always_inline bool is_translated(const void* data) {
    return *(__be32*)(data + DESTINATION_ADDRESS) == target && *(__be16*)(data + DESTINATION_PORT) == target_port;
}

// The server's end: a SYN is answered, the segment that acknowledges the answer has opened a connection. Numbers are
// those of packet::frame(): each end begins at 1.
SEC("xdp")
int answer(struct xdp_md* context) {
    void *data = (void*)(long)context->data, *end = (void*)(long)context->data_end;

    if (!is_tcp(data, end) || !is_translated(data)) return XDP_DROP;
    if (*(__u8*)(data + TCP_FLAGS) == ACK) arrive();
    if (*(__u8*)(data + TCP_FLAGS) != SYN) return XDP_DROP;
    turn(data, SYN | ACK, bpf_htons(1), bpf_htons(2));
    return send_back(context);
}

// The client's end: acknowledges the answer.
SEC("xdp")
int acknowledge(struct xdp_md* context) {
    void *data = (void*)(long)context->data, *end = (void*)(long)context->data_end;

    if (!is_tcp(data, end) || *(__u8*)(data + TCP_FLAGS) != (SYN | ACK)) return XDP_DROP;
    turn(data, ACK, bpf_htons(2), bpf_htons(2));
    return send_back(context);
}

// Sinks: on a card that the router sends to, and on the router's own cards.
static __always_inline void sink(const void* data, const void* end) {
    if (data + UDP_SIZE > end || *(__be16*)(data + ETHERTYPE) != bpf_htons(ETH_P_IP)) return;
    if (is_translated(data)) arrive();
}

SEC("xdp")
int sink_wire(struct xdp_md* context) {
    sink((void*)(long)context->data, (void*)(long)context->data_end);
    return XDP_DROP;
}

// Takes the server's answers on the client's card.
SEC("xdp")
int sink_answers(struct xdp_md* context) {
    void *data = (void*)(long)context->data, *end = (void*)(long)context->data_end;

    if (data + UDP_SIZE <= end && *(__be16*)(data + ETHERTYPE) == bpf_htons(ETH_P_IP)) arrive();
    return XDP_DROP;
}

SEC("tcx/ingress")
int sink_received(struct __sk_buff* context) {
    sink((void*)(long)context->data, (void*)(long)context->data_end);
    return TC_ACT_SHOT;
}

SEC("tcx/egress")
int sink_sent(struct __sk_buff* context) {
    sink((void*)(long)context->data, (void*)(long)context->data_end);
    return TC_ACT_SHOT;
}
