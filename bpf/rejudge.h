// A connection that an earlier policy judged: judged again, and revoked where this policy would not have it.
#pragma once

#include "bpf/classify.h"
#include "bpf/masquerade.h"
#include "bpf/nat.h"
#include "bpf/state.h"
#include "bpf/table.h"

#include <bpf/bpf_endian.h>

// Of a translated connection: whether the entry that translated its opener would do so today, to the same ends. Its own
// function: the stack is short.
static __noinline bool translates_as_before(const struct packet* packet, const struct edgefw_connection* connection) {
    const struct edgefw_forward* forward;

    if (connection->masqueraded) {
        __u32 index = masquerade_of(&packet->key4) - 1, port = bpf_ntohs(connection->public_port);
        const struct edgefw_masquerade* entry = bpf_map_lookup_elem(&masquerades, &index);

        return entry && entry->slot == connection->nat && entry->public_address == connection->public_address &&
               (port == 0 || (entry->first <= port && port <= entry->last));
    }
    if (connection->hook == EDGEFW_SENT) {
        forward = config.has_statics ? static_of_target(packet->key4.local) : NULL;
        return forward && forward->slot == connection->nat && forward->public_address == connection->public_address;
    }
    forward = forward_of(connection->public_address, connection->public_port, packet->key4.protocol, true, NULL);
    return forward && forward->slot == connection->nat && forward->target_address == packet->key4.local &&
           (forward->public_port ? forward->target_port : connection->public_port) == packet->key4.local_port;
}

static __always_inline __u32 outcome_at(struct packet* packet, __u32 hook) {
    if (classify(packet, TREE_INDEX(hook, packet->family & 1))) return packet->outcome;
    return hook == EDGEFW_SENT ? config.default_outcome[EDGEFW_SENT] : config.default_outcome[EDGEFW_RECEIVED];
}

#define OTHER_HOOK_TOO 0x80000000u   // beside what an opener needs
#define FROM_OTHER_HOOK 0x80000000u  // beside the outcome

// What the policy says to the packet as an opener with this detail and VLAN, seen at `hook`: EDGEFW_OUTCOME_* with the
// slot of its rule, or 0 where it has not all that `needs` names. With OTHER_HOOK_TOO, that is then asked of the other
// hook. A global function: the verifier walks it once.
__noinline __u32 judge_opener(struct packet* packet, __u32 hook, __u16 detail, __u16 vlan, __u32 needs) {
    __u16 own_detail, own_vlan;
    __u32 outcome, needed = needs & ~OTHER_HOOK_TOO;
    bool opens;

    if (!packet) return 0;
    own_detail = packet->detail;
    own_vlan = packet->vlan;
    opens = packet->opens;
    packet->detail = detail;
    packet->vlan = vlan;
    packet->opens = true;
    outcome = outcome_at(packet, hook);
    if ((outcome & needed) != needed) {
        outcome = needs & OTHER_HOOK_TOO ? outcome_at(packet, OTHER(hook)) : 0;
        outcome = (outcome & needed) == needed ? outcome | FROM_OTHER_HOOK : 0;
    }
    packet->detail = own_detail;
    packet->vlan = own_vlan;
    packet->opens = opens;
    return outcome;
}

// Learned before the first policy, by a packet that either end may send: which of them opened it is not known.
static __always_inline bool is_opener_unknown(const struct packet* packet, const struct edgefw_connection* connection) {
    if (connection->generation != 0) return false;
    if (packet->protocol == IPPROTO_TCP) return in_midstream(connection);
    return packet->protocol != IPPROTO_ICMP && packet->protocol != PROTOCOL_ICMPV6;
}

// The connection was opened from the other hook than it said.
static __always_inline void turn(struct edgefw_connection* connection, __u32 hook) {
    connection->hook = hook;
    if (connection->state == EDGEFW_STATE_TCP_CLOSING_OPENER)
        connection->state = EDGEFW_STATE_TCP_CLOSING_OTHER;
    else if (connection->state == EDGEFW_STATE_TCP_CLOSING_OTHER)
        connection->state = EDGEFW_STATE_TCP_CLOSING_OPENER;
}

// Judges what opened the connection again, under this program's policy. True: it goes on.
// Its own function: it runs once a connection and push.
static __noinline bool judge_again(struct packet* packet, struct edgefw_connection* connection) {
    __u32 hook = connection->hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    __u32 outcome, needs = EDGEFW_OUTCOME_PASS;
    __u16 detail = connection->detail;
    bool translated = true;

    if (packet->protocol == IPPROTO_TCP && in_midstream(connection)) detail = TCP_SYN;
    if (is_opener_unknown(packet, connection)) needs |= OTHER_HOOK_TOO;
    if (packet->family == EDGEFW_IPV4 && connection->nat)
        translated = config.translates && translates_as_before(packet, connection);
    outcome = judge_opener(packet, hook, detail, connection->vlan, needs);
    // Recycled meanwhile: what was read belonged to another. Then there is no connection of this key.
    if (lookup_found(packet) != connection || !translated || !outcome) return false;
    if (outcome & FROM_OTHER_HOOK) turn(connection, OTHER(hook));
    connection->rule = outcome & EDGEFW_OUTCOME_SLOT_MASK;
    connection->generation = config.generation;
    return true;
}

// Ends the connection that live() found, or that is `connection` where it was masqueraded.
static __always_inline void revoke(struct packet* packet, const struct edgefw_connection* connection) {
    if (packet->family == EDGEFW_IPV4 && connection->masqueraded) forget_public(packet, connection);
    if (packet->half_open)
        forget(packet, true);
    else
        forget(packet, false);
    packet->nat = 0;
    packet->verdict = EDGEFW_DROP;
    packet->reason = EDGEFW_REASON_REVOKED;
}

// Connections that retired entries translated are not found by what the packet is now: they are looked up as they were,
// and end. Its own function: the stack is short.
static __noinline bool revoke_retired(struct packet* packet) {
    const struct edgefw_connection4_key now = packet->key4;
    const __be32 address = packet->nat ? packet->public_address : now.local;
    const __be16 port = packet->nat ? packet->public_port : now.local_port;
    const __u16 nat = packet->nat;
    bool found = false;

    for (int kind = 0; kind < 2; kind++) {
        const bool is_static = kind == 1;
        const __be16 public_port = is_static ? 0 : port;
        const __u8 protocol = is_static ? 0 : now.protocol;
        __u32 index =
            edgefw_forward_bucket(address, public_port, protocol, config.forward_in_seed, config.forward_in_mask);

        for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
            const struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_in, &index);

            if (!forward) break;
            if ((forward->flags & EDGEFW_FORWARD_RETIRED) && is_public_end(forward, address, public_port, protocol)) {
                struct edgefw_connection* connection;

                packet->key4.local = forward->target_address;
                packet->key4.local_port = is_static ? port : forward->target_port;
                set_public(packet, address, port, forward->slot);
                connection = live(packet, EDGEFW_RECEIVED);
                if (connection) {
                    revoke(packet, connection);
                    found = true;
                }
            }
            index = forward->next;
            if (index == 0) break;
        }
    }
    packet->key4 = now;
    set_public(packet, nat ? address : 0, nat ? port : 0, found ? 0 : nat);
    return found;
}
