// SPDX-License-Identifier: GPL-2.0-only
// Fragments: a first one that passes is remembered for the later ones (maps/fragment.h).
//
//   takes    the flight
//   gives    first_fragment(): what the first one left, or NULL
//   before   decide (bpf/decide.h) has passed a first fragment; dissect (bpf/frame/dissect.h) has seen a later one
//   after    decide, then translate (bpf/nat/write.h)
//
// First and later fragments may meet on two processors: a card spreads packets by their ports, which a later fragment
// does not have.
// - The later one may be judged first. It finds nothing and drops, and the datagram is lost. Nothing is kept for it:
//   that would be room that a flood of later fragments could take.
// - A first one may be entered twice, by a sender that repeats it. The kernel puts a new element in the place of the
//   old one; a later fragment reads one of the two.
// - The element may go to another datagram while a later fragment reads it. Then that one takes rule and address of
//   another datagram that has passed just now. It goes to a host that has no other fragment of it, and that drops it
//   after a while. The verdict stays: the lookup has shown that the first fragment had passed.
#pragma once

#include "bpf/flight.h"
#include "bpf/maps.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

// The key of an IPv4 datagram: the addresses on the wire at this hook. Of a received packet that is translated the
// destination there is the public address.
static __always_inline struct edgefw_fragment4_key fragment4_key(const struct flight* flight) {
    const struct edgefw_connection4_key* ends = &flight->flow.key4;
    const __be32 public_address = flight->translation.public_address;
    const __be32 local = HOOK == EDGEFW_RECEIVED && public_address ? public_address : ends->local;

    return (struct edgefw_fragment4_key){
        .source = HOOK == EDGEFW_RECEIVED ? ends->remote : local,
        .destination = HOOK == EDGEFW_RECEIVED ? local : ends->remote,
        .id = flight->packet.fragment_id,
        .protocol = flight->flow.protocol,
        .hook = HOOK,
        .vlan = config.tells_vlans ? flight->flow.vlan : 0,
    };
}

static __always_inline struct edgefw_fragment6_key fragment6_key(const struct flight* flight) {
    const struct edgefw_connection6_key* ends = &flight->flow.key6;
    struct edgefw_fragment6_key key = {
        .id = flight->packet.fragment_id,
        .hook = HOOK,
        .vlan = config.tells_vlans ? flight->flow.vlan : 0,
    };

#pragma unroll
    for (int i = 0; i < 4; i++) {
        key.source[i] = HOOK == EDGEFW_RECEIVED ? ends->remote[i] : ends->local[i];
        key.destination[i] = HOOK == EDGEFW_RECEIVED ? ends->local[i] : ends->remote[i];
    }
    return key;
}

// Remembers a first fragment that passes, with its translation. Where the kernel cannot store it, the later fragments
// drop and are counted: that is safe.
OUT_OF_LINE void remember_fragment(const struct flight* flight, __u32 slot) {
    const struct translation* translation = &flight->translation;
    struct edgefw_fragment value = {
        .seen = bpf_jiffies64(),
        .rule = slot,
        .nat = translation->nat,
    };

    if (translation->nat)
        value.address = HOOK == EDGEFW_RECEIVED ? flight->flow.key4.local : translation->public_address;
    if (flight->flow.family == EDGEFW_IPV4) {
        struct edgefw_fragment4_key key = fragment4_key(flight);

        bpf_map_update_elem(&fragments4, &key, &value, BPF_ANY);
        bpf_map_lookup_elem(&fragments4, &key);  // as store_opening() does
    } else {
        struct edgefw_fragment6_key key = fragment6_key(flight);

        bpf_map_update_elem(&fragments6, &key, &value, BPF_ANY);
        bpf_map_lookup_elem(&fragments6, &key);
    }
}

// What the first fragment of a later one left, or NULL. The later one is translated as the first one was.
OUT_OF_LINE const struct edgefw_fragment* first_fragment(struct flight* flight) {
    struct translation* translation = &flight->translation;
    const struct edgefw_fragment* first;

    if (flight->flow.family == EDGEFW_IPV4) {
        struct edgefw_fragment4_key key = fragment4_key(flight);

        first = bpf_map_lookup_elem(&fragments4, &key);
    } else {
        struct edgefw_fragment6_key key = fragment6_key(flight);

        first = bpf_map_lookup_elem(&fragments6, &key);
    }
    if (!first || jiffies_since(first->seen) > config.fragment_timeout) return NULL;
    translation->nat = first->nat;
    if (!first->nat) return first;
    if (HOOK == EDGEFW_SENT) {
        translation->public_address = first->address;
        return first;
    }
    translation->public_address = flight->flow.key4.local;
    flight->flow.key4.local = first->address;
    return first;
}
