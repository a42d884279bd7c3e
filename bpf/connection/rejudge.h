// SPDX-License-Identifier: GPL-2.0-only
// A connection that an earlier policy judged: it is judged again, and revoked where this policy would not have it.
//
// A revoked connection ends; but for some time after a push it is kept, because the push may be a mistake
// (config.retains_until). It stays as it is, of an older generation, so that each of its packets judges it again and
// drops, under this policy. A newer one that would have it lets it go on: the policy before, pushed again or fallen
// back to. Nothing but that answer lets a packet pass: a connection that is kept is no more than one that nobody has
// asked for since the push. Its packets do not renew it, so it makes room before those that pass packets. An opener
// that the rules let pass takes its place (bpf/connection/open.h), and `connections kill` removes it.
//
//   takes    a flow, its connection, and the half of the tables it is in
//   gives    whether the connection goes on
//   before   track (bpf/connection/track.h) or relate (bpf/connection/relate.h) has found it
//   after    those two, which end the connection where it does not go on
#pragma once

#include "bpf/connection/state.h"
#include "bpf/connection/table.h"
#include "bpf/flow/classify.h"
#include "bpf/nat/find.h"
#include "bpf/nat/masquerade.h"

#include <bpf/bpf_endian.h>

// Whether the same masquerade as before would give the connection's opener its public end; where none did, whether none
// would. A port that is forwarded today is no longer a masquerade's: what comes to it goes to the forward.
static __always_inline bool masquerades_as_before(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = flow->key4;
    __u32 index = masquerade_of(&key) - 1, port = bpf_ntohs(connection->public_port);
    const struct edgefw_masquerade* entry = bpf_map_lookup_elem(&masquerades, &index);

    if (!connection->nat) return !entry;
    if (!entry || entry->slot != connection->nat || entry->public_address != connection->public_address) return false;
    if (!gets_public_port(key.protocol)) return true;
    return entry->first <= port && port <= entry->last &&
           !is_forwarded(connection->public_address, connection->public_port, key.protocol);
}

// Whether the NAT entry that translated the connection's opener would do so today, to the same ends. Where none did,
// whether none would. `hook`: the hook that sees what the opener sends.
OUT_OF_LINE bool translates_as_before(const struct flow* flow, const struct edgefw_connection* connection, __u32 hook) {
    const struct edgefw_forward* forward;

    if (connection->masqueraded || hook == EDGEFW_SENT) {
        forward = NULL;
        if (config.forwards_open || config.has_statics)
            forward = forward_of_source(flow->key4.local, flow->key4.local_port, flow->key4.protocol, flow->has_ports);
        if (connection->masqueraded || !connection->nat) return !forward && masquerades_as_before(flow, connection);
        return forward && forward->slot == connection->nat && forward->public_address == connection->public_address &&
               (forward->public_port ? forward->public_port : flow->key4.local_port) == connection->public_port;
    }
    if (!connection->nat)
        return !config.has_forwards ||
               !forward_of(flow->key4.local, flow->key4.local_port, flow->key4.protocol, flow->has_ports, NULL);
    forward = forward_of(connection->public_address, connection->public_port, flow->key4.protocol, true, NULL);
    return forward && forward->slot == connection->nat && forward->target_address == flow->key4.local &&
           (forward->public_port ? forward->target_port : connection->public_port) == flow->key4.local_port;
}

// Makes `flow` the opener that the rules are asked about, with this detail and VLAN, and as a packet that may open.
static __always_inline void ask_about(struct flight* flight, const struct flow* flow, __u16 detail, __u16 vlan) {
    flight->opener = *flow;
    flight->opener.detail = detail;
    flight->opener.vlan = vlan;
    flight->opener.opens = true;
}

// What the policy says to flight->opener: an outcome that has all that was needed, and the hook at which it was seen.
// Outcome 0: the policy does not let it open.
struct admission {
    __u32 outcome;
    __u32 hook;
};

// Asks the policy about flight->opener, seen at `hook`. `or_other`: where that does not admit it, as seen at the other
// hook. `needs`: the bits that an outcome must have.
static __always_inline struct admission admit_opener(__u32 hook, bool or_other, __u32 needs) {
    __u32 outcome = classify_opener(hook);

    if ((outcome & needs) == needs) return (struct admission){outcome, hook};
    if (!or_other) return (struct admission){0, hook};
    hook = OTHER(hook);
    outcome = classify_opener(hook);
    return (struct admission){(outcome & needs) == needs ? outcome : 0, hook};
}

// Whether nobody knows which end opened the connection: it was learned before the first policy, in mid-stream. Else the
// opener is the end whose packet was seen first.
static __always_inline bool is_opener_unknown(const struct flow* flow, const struct edgefw_connection* connection) {
    return connection->generation == 0 && flow->protocol == IPPROTO_TCP && began_in_midstream(connection);
}

// Notes that the connection was opened from the other hook than where its first packet was seen. Unless both ends have
// shown that there is a connection, it is unproven from now on.
static __always_inline void turn(struct edgefw_connection* connection, __u32 hook, bool half_open) {
    connection->hook = hook;
    if (half_open && !is_closed(connection)) {
        connection->state = EDGEFW_STATE_TCP_UNPROVEN;
        connection->seen = bpf_jiffies64();
        return;
    }
    if (connection->state == EDGEFW_STATE_TCP_CLOSING_OPENER)
        connection->state = EDGEFW_STATE_TCP_CLOSING_OTHER;
    else if (connection->state == EDGEFW_STATE_TCP_CLOSING_OTHER)
        connection->state = EDGEFW_STATE_TCP_CLOSING_OPENER;
}

static __always_inline bool is_of_older_policy(const struct edgefw_connection* connection) {
    return (__s32)(connection->generation - config.generation) < 0;
}

// Whether the connection was judged by this very policy, under an older number. An address that a host by name has lost
// since ends no connection, and what was let open then stays so.
static __always_inline bool is_of_same_policy(const struct edgefw_connection* connection) {
    return config.unbroken_since && (__s32)(connection->generation - config.unbroken_since) >= 0;
}

// Judges the opener of the flow's connection again, under this program's policy. True: the connection goes on.
//
// Two processors may judge the same connection at once. Both ask the same policy about the same opener, so both come to
// the same answer, and write the same rule and generation. A program of the policy before may still run on another
// processor just after the flip. For it the connection is not of an older policy, so it passes its packet as before; a
// connection that it enters has its own generation, and is judged by the next packet. Rule and generation are two
// stores: a packet between them counts for the new rule, and judges once more.
OUT_OF_LINE bool judge_again(struct flight* flight, const struct flow* flow, struct edgefw_connection* connection,
                             bool half_open) {
    const __u32 hook = connection->hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    const bool began_midstream = flow->protocol == IPPROTO_TCP && began_in_midstream(connection);
    struct admission admission = {.hook = hook};
    bool translated = true;

    ask_about(flight, flow, began_midstream ? TCP_SYN : connection->detail, connection->vlan);
    if (is_of_same_policy(connection)) {
        admission.outcome = EDGEFW_OUTCOME_PASS | connection->rule;
        if (connection->rule != EDGEFW_SLOT_NONE) admission.outcome |= OUTCOME_BY_RULE;
    } else {
        admission = admit_opener(hook, is_opener_unknown(flow, connection), EDGEFW_OUTCOME_PASS);
        if (flow->family == EDGEFW_IPV4 && (connection->nat || config.translates))
            translated = config.translates && translates_as_before(flow, connection, admission.hook);
    }
    // What was judged was read through a pointer, over hundreds of instructions. The element behind it may have changed
    // hands meanwhile (table.h): then the detail, VLAN and NAT entry of another connection were judged, and the answer
    // says nothing of this one. So the key is looked up again. Where it leads to the same element, that element is this
    // connection's now. It may have been another one's in between only if this one was removed and entered again in the
    // same place: then a program has judged it just now. Where the key leads elsewhere, the connection has ended, or
    // moved. It counts as one that ends here: the packet drops, which is safe, and the next one is judged by what it
    // finds.
    if (lookup_found(flow, half_open) != connection || !translated || !admission.outcome) return false;
    if (admission.hook != hook) turn(connection, admission.hook, half_open);
    connection->rule = admission.outcome & EDGEFW_OUTCOME_SLOT_MASK;
    connection->is_revoked = false;
    connection->generation = config.generation;
    note_said(flight, SAID_OF_CONNECTION, admission.hook, admission.outcome);
    return true;
}

// Ends the connection that live() found, by its key. Where the key leads elsewhere by now, another processor has ended
// the connection, or moved it to the other half of the tables. A moved one is judged there by its next packet: it keeps
// its public end, by which the packets it receives are found. Of two processors that are here at once one removes it. A
// connection that another one enters under the same key behind the lookup ends, too: its opener sends again.
OUT_OF_LINE void end(const struct flow* flow, const struct edgefw_connection* connection, bool half_open) {
    if (lookup_found(flow, half_open) != connection) return;
    // This is asked of the connection, since this policy may masquerade nothing any more.
    if (flow->family == EDGEFW_IPV4 && connection->masqueraded) forget_public(flow, connection);
    if (half_open)
        forget(flow, true);
    else
        forget(flow, false);
}

static __always_inline bool retains(void) {
    return config.retains_until && bpf_ktime_get_coarse_ns() < config.retains_until * NANOSECONDS;
}

// Revokes the connection that live() found. True: it is kept. The note that it is revoked is for who reads the tables;
// where the element has changed hands it is on another connection, until that one is judged again.
static __always_inline bool revoke(const struct flow* flow, struct edgefw_connection* connection, bool half_open) {
    if (retains()) {
        connection->is_revoked = true;
        return true;
    }
    end(flow, connection, half_open);
    return false;
}

// The packet opens a connection in the place of its own one, which is revoked and kept.
OUT_OF_LINE void take_its_place(struct flight* flight) {
    const struct flow* flow = &flight->flow;
    const struct found found = live(flow, &flight->translation, false);

    flight->packet.is_revoked = false;
    if (found.connection && is_of_older_policy(found.connection)) end(flow, found.connection, found.half_open);
}

// Revokes the connection that the packet would belong to if the entry `retired` of its public end (`address`, `port`)
// still translated it. True: there was one.
static __always_inline bool revoke_by(struct flight* flight, const struct edgefw_forward* retired, __be32 address,
                                      __be16 port, bool is_static) {
    const struct translation by = {.public_address = address, .public_port = port, .nat = retired->slot};
    const struct edgefw_connection4_key* now = &flight->flow.key4;
    struct flow* older = &flight->other;
    struct found found;

    set_key_addresses4(older, retired->target_address, now->remote);
    set_key_end(older, older->protocol, is_static ? port : retired->target_port, now->remote_port);
    found = live(older, &by, false);
    if (!found.connection) return false;
    revoke(older, found.connection, found.half_open);
    return true;
}

// Ends the connection that the packet belonged to under an older policy. A retired NAT entry no longer translates the
// packet, so its key does not find that connection. The old key is built and looked up instead. True: there was one.
OUT_OF_LINE bool revoke_retired(struct flight* flight) {
    const struct edgefw_connection4_key* now = &flight->flow.key4;
    const struct translation* translation = &flight->translation;
    const __be32 address = translation->nat ? translation->public_address : now->local;
    const __be16 port = translation->nat ? translation->public_port : now->local_port;
    bool revoked = false;

    flight->other = flight->flow;
    for (int kind = 0; kind < 2; kind++) {
        const bool is_static = kind == 1;
        const __be16 public_port = is_static ? 0 : port;
        const __u8 protocol = is_static ? 0 : now->protocol;
        __u32 index =
            edgefw_forward_bucket(address, public_port, protocol, config.forward_in_seed, config.forward_in_mask);

        for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
            const struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_in, &index);

            if (!forward) break;
            if ((forward->flags & EDGEFW_FORWARD_RETIRED) && is_public_end(forward, address, public_port, protocol) &&
                revoke_by(flight, forward, address, port, is_static))
                revoked = true;
            index = forward->next;
            if (index == 0) break;
        }
    }
    return revoked;
}
