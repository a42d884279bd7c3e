// SPDX-License-Identifier: GPL-2.0-only
// carry over: while a push moves the connections of a card to tables of another size, packets find each of them.
//
//   takes    a flow that the new table does not have
//   gives    enum arrival
//   before   lookup() and store() (bpf/connection/table.h), while config.comes_over
//   after    the same, which look again
//
// The program that judges meanwhile uses the new tables. A connection that is not there yet comes over with the first
// packet that asks for it. The control plane brings the rest (userspace/kernel/resize.cpp). A connection leaves its
// older table only once the new one has it. A connection that the new table has is newer, and stays.
//
// Two processors, or one and the control plane, may carry the same connection over at once; and another one may end it
// meanwhile. All keep to three rules:
//
// 1. Who carries over enters the connection in the new table with BPF_NOEXIST. The kernel lets one do so.
// 2. That one, and nobody else, takes it out of the older table; who ends a connection is the exception.
// 3. Who ends a connection takes it out of the older table first (remove_older()), then out of the new one.
//
// So whoever has entered it, and then finds it gone from the older table, knows that it has ended since it was read.
// What was entered is of the past, and is taken back. If anybody else took it out of the older table, that would look
// like an end, and a live connection would be lost. What may be seen on the way:
//
// - The connection is in both tables. The new one is asked first, and counts.
// - A second one finds it in the new table when it enters (-EEXIST), or gone from the older one when it reads. Both
//   mean that another one has it in hand: look again.
// - A connection that has ended is in the new table for a few instructions, until it is taken back. A packet passes by
//   it as if it had come just before the end. One that opens anew in this moment passes by it, too; or, entered just
//   after the end, it is what is taken back. Its opener sends again.
// - A program of the policy before still writes to the older element, which was copied. A step of its numbers is lost,
//   and the next segment makes up for it. The control plane moves the rest only when no such program is left.
#pragma once

#include "bpf/flight.h"
#include "bpf/maps.h"

#include <linux/errno.h>
#include <linux/in.h>

// Memory behind an argument is no key before Linux 6.2: the key is copied into the flight. On the stack it would be
// what is too much of the deepest calls.
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
    struct flight* flight = fetch();
    union connection_key* key;

    if (!flow || !flight || !config.comes_over) return NOT_THERE;
    key = &flight->older_key;
    if (flow->family == EDGEFW_IPV4) {
        key->key4 = flow->key4;
        if (half_open) CARRY_OVER(openings4, &key->key4);
        if (flow->protocol == IPPROTO_TCP) CARRY_OVER(connections4, &key->key4);
        CARRY_OVER(datagrams4, &key->key4);
    } else {
        key->key6 = flow->key6;
        if (half_open) CARRY_OVER(openings6, &key->key6);
        if (flow->protocol == IPPROTO_TCP) CARRY_OVER(connections6, &key->key6);
        CARRY_OVER(datagrams6, &key->key6);
    }
}
#undef CARRY_OVER

// Ends the connection of this flow in the older table, before it ends in the new one. True: it was there.
GLOBAL int remove_older(const struct flow* flow, int half_open) {
    const bool is_tcp = flow && flow->protocol == IPPROTO_TCP;

    struct flight* flight = fetch();
    union connection_key* key;

    if (!flow || !flight || !config.comes_over) return false;
    key = &flight->older_key;
    if (flow->family == EDGEFW_IPV4) {
        key->key4 = flow->key4;
        if (half_open) return bpf_map_delete_elem(&older_openings4, &key->key4) == 0;
        if (is_tcp) return bpf_map_delete_elem(&older_connections4, &key->key4) == 0;
        return bpf_map_delete_elem(&older_datagrams4, &key->key4) == 0;
    } else {
        key->key6 = flow->key6;
        if (half_open) return bpf_map_delete_elem(&older_openings6, &key->key6) == 0;
        if (is_tcp) return bpf_map_delete_elem(&older_connections6, &key->key6) == 0;
        return bpf_map_delete_elem(&older_datagrams6, &key->key6) == 0;
    }
}
