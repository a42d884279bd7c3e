// SPDX-License-Identifier: GPL-2.0-only
// carry over: while a push moves the connections of a card to tables of another size, packets find each of them. The
// program that judges meanwhile uses the new tables; what is not there yet comes over with the first packet that asks
// for it, and the control plane brings the rest (userspace/kernel/resize.cpp). A connection leaves its older table only
// once the new one has it; what the new one has is newer and stays.
//
// Both may begin with the same connection at once, so both keep to this: who entered it in the new table takes it out
// of the older one, and nobody else does but who ends it. Found gone from there, it has ended since it was read: what
// was entered is of the past, and is taken back. Were anybody else to take it out, that would look like an end, and a
// live connection would be lost.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <linux/errno.h>
#include <linux/in.h>

// The keys are copied: memory behind an argument is no key before Linux 6.2.
#define CARRY_OVER(table, key)                                                           \
    do {                                                                                 \
        struct edgefw_connection* older = bpf_map_lookup_elem(&older_##table, key);      \
        long result;                                                                     \
                                                                                         \
        if (!older) return LOOK_AGAIN;                                                   \
        result = bpf_map_update_elem(&table, key, older, BPF_NOEXIST);                   \
        if (result) return (int)result == -EEXIST ? LOOK_AGAIN : NOT_THERE;              \
        if ((int)bpf_map_delete_elem(&older_##table, key) != -ENOENT) return LOOK_AGAIN; \
        bpf_map_delete_elem(&table, key);                                                \
        return NOT_THERE;                                                                \
    } while (0)

// What carry_over() found out about the new table.
enum arrival {
    NOT_THERE,   // it does not have the connection
    LOOK_AGAIN,  // it has it now, or may have got it since the caller looked there
};

// Brings over the connection of this flow. It is no new connection: nothing is counted.
GLOBAL enum arrival carry_over(const struct flow* flow, int half_open) {
    if (!flow || !config.comes_over) return NOT_THERE;
    if (flow->family == EDGEFW_IPV4) {
        const struct edgefw_connection4_key key = flow->key4;

        if (half_open) CARRY_OVER(openings4, &key);
        if (flow->protocol == IPPROTO_TCP) CARRY_OVER(connections4, &key);
        CARRY_OVER(datagrams4, &key);
    } else {
        const struct edgefw_connection6_key key = flow->key6;

        if (half_open) CARRY_OVER(openings6, &key);
        if (flow->protocol == IPPROTO_TCP) CARRY_OVER(connections6, &key);
        CARRY_OVER(datagrams6, &key);
    }
}
#undef CARRY_OVER

// Ends the connection of this flow in the older table, before it ends in the new one. True: it was there.
GLOBAL int remove_older(const struct flow* flow, int half_open) {
    const bool is_tcp = flow && flow->protocol == IPPROTO_TCP;

    if (!flow || !config.comes_over) return false;
    if (flow->family == EDGEFW_IPV4) {
        const struct edgefw_connection4_key key = flow->key4;

        if (half_open) return bpf_map_delete_elem(&older_openings4, &key) == 0;
        if (is_tcp) return bpf_map_delete_elem(&older_connections4, &key) == 0;
        return bpf_map_delete_elem(&older_datagrams4, &key) == 0;
    } else {
        const struct edgefw_connection6_key key = flow->key6;

        if (half_open) return bpf_map_delete_elem(&older_openings6, &key) == 0;
        if (is_tcp) return bpf_map_delete_elem(&older_connections6, &key) == 0;
        return bpf_map_delete_elem(&older_datagrams6, &key) == 0;
    }
}
