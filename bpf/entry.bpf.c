// SPDX-License-Identifier: GPL-2.0-only
// The entry programs: one pair a card, for as long as the card is attached. Each reads the active generation and calls
// the judging program in its bank; a push fills the idle bank and then flips the one word. See maps/README.md.
//
// A push meets packets here. The word is 8 bytes and is written at once, so that a packet reads the one before or the
// one after: it is judged by one whole policy.
// - A packet that has read the word just before the flip is still judged by the policy before, also when the push has
//   returned already. Its program and maps live until it has ended: the kernel frees them after that. Connections that
//   it enters have the older generation, and are judged again (bpf/connection/rejudge.h).
// - The bank that it read is not the one that was just filled. The next push fills it; a packet that stops for that
//   long between the two instructions is judged by that push's policy, some moments early.
// - Two packets of one connection, or one packet at two cards, may read the word on either side of the flip. Each is
//   judged by one of the two policies.
//
// A push that waits for its confirmation falls back here when nobody has confirmed it in time, whether any process is
// alive or not: maps/active.h has the states of the word. The first packet behind the deadline writes the word; it and
// all that come later are judged by the policy before. A confirmation at that moment writes the word first, or not.
//
// A card has one of the two programs for the received side, enter_received or enter_ingress: an array of programs has
// one type.
#include "maps/active.h"
#include "maps/counters.h"

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} active SEC(".maps");

// By bank: of the push that waits for its confirmation there.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, EDGEFW_BANKS);
    __type(key, __u32);
    __type(value, struct edgefw_confirmation);
} confirmations SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, EDGEFW_BANKS);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} received SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, EDGEFW_BANKS);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} sent SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_REASON_COUNTERS);
    __type(key, __u32);
    __type(value, struct edgefw_reason_counter);
} reasons SEC(".maps");

static __always_inline __u32 bank_of(__u64 word) {
    return (word & EDGEFW_ACTIVE_LOW_BANK) | (word & EDGEFW_ACTIVE_HIGH_BANK ? 2 : 0);
}

// The word that judges a packet which has read the pending `word`: itself before the deadline. Behind it the fallback,
// or what another processor or process has written in the meantime.
static __always_inline __u64 word_or_fallback(__u64* active_word, __u64 word) {
    const __u32 bank = bank_of(word);
    const struct edgefw_confirmation* confirmation = bpf_map_lookup_elem(&confirmations, &bank);
    __u64 before;

    if (!confirmation || (__s64)(bpf_jiffies64() - confirmation->deadline) < 0) return word;
    before = __sync_val_compare_and_swap(active_word, word, confirmation->fallback);
    return before == word ? confirmation->fallback : before;
}

static __always_inline __u64 read_active(void) {
    __u32 zero = 0;
    __u64* active_word = bpf_map_lookup_elem(&active, &zero);
    __u64 word;

    if (!active_word) return 0;
    word = *(volatile __u64*)active_word;
    return word & EDGEFW_ACTIVE_PENDING ? word_or_fallback(active_word, word) : word;
}

// Calls the judging program in the active bank. The indexes are constants: the verifier turns each into a direct jump.
// A variable index costs four times as much.
static __always_inline void call(void* context, void* programs) {
    const __u64 word = read_active();

    if (!(word & EDGEFW_ACTIVE_HIGH_BANK)) {
        if (word & EDGEFW_ACTIVE_LOW_BANK)
            bpf_tail_call_static(context, programs, 1);
        else
            bpf_tail_call_static(context, programs, 0);
    } else if (word & EDGEFW_ACTIVE_LOW_BANK) {
        bpf_tail_call_static(context, programs, 3);
    } else {
        bpf_tail_call_static(context, programs, 2);
    }
}

// There is no program to judge the packet: it drops, and the drop is counted.
static __always_inline void count_no_generation(__u32 hook, __u64 packets, __u64 bytes) {
    __u32 index = hook * 2 * EDGEFW_REASON_COUNT + EDGEFW_REASON_NO_GENERATION;
    struct edgefw_reason_counter* counter = bpf_map_lookup_elem(&reasons, &index);

    if (!counter) return;
    counter->packets += packets;
    counter->bytes += bytes;
}

SEC("xdp.frags")
int enter_received(struct xdp_md* context) {
    call(context, &received);
    count_no_generation(EDGEFW_RECEIVED, 1, bpf_xdp_get_buff_len(context));
    return XDP_DROP;
}

static __always_inline int drop_unjudged(struct __sk_buff* context, __u32 hook) {
    count_no_generation(hook, context->gso_segs > 1 ? context->gso_segs : 1, context->len);
    return TC_ACT_SHOT;
}

// A packet that the host sends to a group it is a member of comes back here, without its link header. It was on no
// wire, and XDP in a driver never sees it (net/core/dev.c, dev_loopback_xmit).
SEC("tcx/ingress")
int enter_ingress(struct __sk_buff* context) {
    if (context->pkt_type == PACKET_LOOPBACK) return TC_ACT_UNSPEC;
    call(context, &received);
    return drop_unjudged(context, EDGEFW_RECEIVED);
}

SEC("tcx/egress")
int enter_sent(struct __sk_buff* context) {
    call(context, &sent);
    return drop_unjudged(context, EDGEFW_SENT);
}
