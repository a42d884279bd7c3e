// carry over: while a push moves the connections of a card to tables of another size, packets find each of them. The
// program that judges meanwhile uses the new tables; what is not there yet comes over with the first packet that asks
// for it, and the control plane brings the rest (userspace/kernel/resize.cpp). A connection leaves its older table only
// once the new one has it; what the new one has is newer and stays.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <linux/errno.h>

#define CARRY_OVER(table, key)                                                          \
    do {                                                                                \
        struct edgefw_connection* older = bpf_map_lookup_elem(&older_##table, key);     \
        long result;                                                                    \
                                                                                        \
        if (!older) return false;                                                       \
        result = bpf_map_update_elem(&table, key, older, BPF_NOEXIST);                  \
        if (result == 0 || result == -EEXIST) bpf_map_delete_elem(&older_##table, key); \
        return result == 0;                                                             \
    } while (0)

// Whether the connection of the packet's key came over. It is no new one: nothing is counted.
__noinline int carry_over(struct packet* packet, int half_open) {
    if (!packet || !config.comes_over) return false;
    if (packet->family == EDGEFW_IPV4) {
        if (half_open) CARRY_OVER(openings4, &packet->key4);
        CARRY_OVER(connections4, &packet->key4);
    }
    if (half_open) CARRY_OVER(openings6, &packet->key6);
    CARRY_OVER(connections6, &packet->key6);
}
#undef CARRY_OVER
