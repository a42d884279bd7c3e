// SPDX-License-Identifier: GPL-2.0-only
// translate, the finding: which NAT entry gives a flow its local end (maps/forward.h). IPv4.
//
//   takes    a flow as it is on the wire (received), or as it is inside (sent)
//   gives    the translation; received also the flow, with its local end as it is inside
//   before   received: dissect (bpf/frame/dissect.h). Sent: track (bpf/connection/track.h) has found no connection
//   after    received: track. Sent: classify (bpf/flow/classify.h)
//
// Rules and connections know the local end as it is inside. The translation's public end is how it is outside.
// bpf/nat/write.h writes what was found here.
#pragma once

#include "bpf/flow/key.h"
#include "bpf/maps.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

// Received: whether some port forward may have this local port, or a static entry this address.
static __always_inline bool may_be_forwarded(const struct flow* flow) {
    if (!config.has_forwards || flow->family != EDGEFW_IPV4) return false;
    return config.has_statics ||
           (flow->has_ports && (config.forward_in_ports & edgefw_forward_bit(flow->key4.local_port)));
}

static __always_inline bool is_public_end(const struct edgefw_forward* forward, __be32 address, __be16 port,
                                          __u8 protocol) {
    return (forward->flags & EDGEFW_FORWARD_USED) && (forward->flags & EDGEFW_FORWARD_ON(config.side)) &&
           forward->public_address == address && forward->public_port == port && forward->protocol == protocol;
}

// The entry in force of a public address, port and protocol (of a static entry: 0 and 0), or NULL. `*retired`, where
// given, is set where a retired entry matches.
static __always_inline struct edgefw_forward* forward_of_public(__be32 address, __be16 port, __u8 protocol,
                                                                bool* retired) {
    __u32 index = edgefw_forward_bucket(address, port, protocol, config.forward_in_seed, config.forward_in_mask);
    struct edgefw_forward* active = NULL;

#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
        struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_in, &index);

        if (!forward) break;
        if (is_public_end(forward, address, port, protocol)) {
            if (!(forward->flags & EDGEFW_FORWARD_RETIRED))
                active = active ? active : forward;
            else if (retired)
                *retired = true;
        }
        index = forward->next;
        if (index == 0) break;
    }
    return active;
}

// Whether a port forward in force has this public end.
static __always_inline bool is_forwarded(__be32 address, __be16 port, __u8 protocol) {
    return config.has_forwards && (config.forward_in_ports & edgefw_forward_bit(port)) &&
           forward_of_public(address, port, protocol, NULL);
}

// The entry in force that translates a destination: a port forward comes before a static entry.
static __always_inline struct edgefw_forward* forward_of(__be32 address, __be16 port, __u8 protocol, bool has_ports,
                                                         bool* retired) {
    struct edgefw_forward* forward = NULL;

    if (has_ports) forward = forward_of_public(address, port, protocol, retired);
    if (!forward && config.has_statics) forward = forward_of_public(address, 0, 0, retired);
    return forward;
}

// The entry in force by which this inside end opens (of a static entry: port and protocol are 0), or NULL.
static __always_inline struct edgefw_forward* forward_of_target(__be32 address, __be16 port, __u8 protocol) {
    __u32 index = edgefw_forward_bucket(address, port, protocol, config.forward_out_seed, config.forward_out_mask);

#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
        struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_out, &index);

        if (!forward) break;
        if ((forward->flags & EDGEFW_FORWARD_USED) && (forward->flags & EDGEFW_FORWARD_ON(config.side)) &&
            !(forward->flags & EDGEFW_FORWARD_RETIRED) && forward->target_address == address &&
            forward->target_port == port && forward->protocol == protocol)
            return forward;
        index = forward->next;
        if (index == 0) break;
    }
    return NULL;
}

// Sent: the entry in force that translates the source of what this inside end opens. A port forward comes before a
// static entry, as for what is received. The forwarded port stays that of its target: who is called at a port and calls
// from it (SIP) is one end to everybody.
static __always_inline struct edgefw_forward* forward_of_source(__be32 address, __be16 port, __u8 protocol,
                                                                bool has_ports) {
    struct edgefw_forward* forward = NULL;

    if (config.forwards_open && has_ports) forward = forward_of_target(address, port, protocol);
    if (!forward && config.has_statics) forward = forward_of_target(address, 0, 0);
    return forward;
}

static __always_inline void set_public(struct translation* translation, __be32 address, __be16 port, __u16 nat) {
    translation->public_address = address;
    translation->public_port = port;
    translation->nat = nat;
}

// Gives the flow its local end as it was on the wire: nothing translates it.
static __always_inline void untranslate(struct flow* flow, struct translation* translation) {
    set_key_addresses4(flow, translation->public_address, flow->key4.remote);
    set_key_end(flow, flow->protocol, translation->public_port, flow->key4.remote_port);
    set_public(translation, 0, 0, 0);
    translation->to_masqueraded = false;
    translation->needs_tracking = false;
}

// Received: whether the local port, or an echo reply's identifier, may be one that a masquerade gave.
static __always_inline bool may_be_masqueraded(const struct flow* flow) {
    __u32 port = bpf_ntohs(flow->key4.local_port);

    if (!config.masquerades || flow->family != EDGEFW_IPV4 || flow->is_syn) return false;
    if (!gets_public_port(flow->protocol)) return true;
    return config.masquerade_first <= port && port <= config.masquerade_last;
}

// The inside end of the confirmed connection that has this public end, or NULL.
static __always_inline struct edgefw_inside* inside_of_confirmed(const struct edgefw_connection4_key* key) {
    struct edgefw_inside* inside;

    if (key->protocol == IPPROTO_TCP) {
        inside = bpf_map_lookup_elem(&publics4, key);
        STAY_APART(7);
    } else {
        inside = bpf_map_lookup_elem(&public_datagrams4, key);
    }
    return inside;
}

GLOBAL int find_inside(struct flow* flow, struct translation* translation) {
    struct edgefw_connection4_key key;
    const struct edgefw_inside* inside;

    if (!flow || !translation) return 0;
    key = flow->key4;
    inside = inside_of_confirmed(&key);
    if (!inside) inside = bpf_map_lookup_elem(&public_openings4, &key);
    if (!inside) inside = inside_of_confirmed(&key);  // it may have been confirmed meanwhile
    if (!inside) return 0;
    set_public(translation, key.local, key.local_port, inside->nat);
    translation->to_masqueraded = true;
    translation->needs_tracking = true;
    set_key_addresses4(flow, inside->address, key.remote);
    set_key_end(flow, flow->protocol, inside->port, key.remote_port);
    return 1;
}

// Gives the flow the local end inside that `forward` says.
static __always_inline void take_destination(struct flow* flow, struct translation* translation,
                                             const struct edgefw_forward* forward) {
    const bool is_static = config.has_statics && !forward->public_port;
    const __be16 port = is_static ? flow->key4.local_port : forward->target_port;

    set_public(translation, flow->key4.local, flow->key4.local_port, forward->slot);
    translation->needs_tracking = forward->public_port != 0;
    // The hairpin of a static entry: no entry translates the source of replies here, the connection does.
    if (is_static && config.side == EDGEFW_INTERNAL)
        translation->needs_tracking = forward->flags & EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL);
    set_key_addresses4(flow, forward->target_address, flow->key4.remote);
    set_key_end(flow, flow->protocol, port, flow->key4.remote_port);
}

// The same as forward_destination(), which has the common case inline.
GLOBAL int find_destination(struct flow* flow, struct translation* translation) {
    const struct edgefw_forward* forward;
    bool retired = false;

    if (!flow || !translation) return 0;
    forward = forward_of(flow->key4.local, flow->key4.local_port, flow->key4.protocol, flow->has_ports, &retired);
    translation->retired = retired;
    if (forward) take_destination(flow, translation, forward);
    return forward != NULL;
}

// Gives the flow its local end, where a port forward or a static entry translates it. The common case is inline: the
// port forward that is alone in its bucket.
static __always_inline bool forward_destination(struct flow* flow, struct translation* translation) {
    const __be32 address = flow->key4.local;
    const __be16 port = flow->key4.local_port;
    const __u8 protocol = flow->key4.protocol;
    const struct edgefw_forward* forward;
    __u32 index;

    if (!may_be_forwarded(flow)) return false;
    index = edgefw_forward_bucket(address, port, protocol, config.forward_in_seed, config.forward_in_mask);
    forward = bpf_map_lookup_elem(&forwards_in, &index);
    if (!forward || !port || forward->next || (forward->flags & EDGEFW_FORWARD_RETIRED) ||
        !is_public_end(forward, address, port, protocol))
        return find_destination(flow, translation);
    take_destination(flow, translation, forward);
    return true;
}

// Received: gives the flow its local end inside, whatever translates it.
static __always_inline void translate_destination(struct flow* flow, struct translation* translation) {
    if (forward_destination(flow, translation)) return;
    if (may_be_masqueraded(flow)) find_inside(flow, translation);
}

// The number of the first masquerade for this key, 1 is the first of the list; 0: none. For openers alone.
GLOBAL __u32 masquerade_of(const struct edgefw_connection4_key* key) {
    __u32 index = 0;

    if (!key) return 0;
    for (int i = 0; i < EDGEFW_MAX_MASQUERADES; i++, index++) {
        const struct edgefw_masquerade* entry = bpf_map_lookup_elem(&masquerades, &index);

        if (!entry) break;
        if ((entry->flags & EDGEFW_FORWARD_ON(config.side)) && (key->local & entry->inside_mask) == entry->inside &&
            (key->remote & entry->remote_mask) == entry->remote &&
            (!entry->protocol || entry->protocol == key->protocol) &&
            (!entry->remote_port || entry->remote_port == key->remote_port))
            return i + 1;
    }
    return 0;
}

// Sent, and of no known connection: finds the entry that translates the source.
GLOBAL int translate_source(const struct flow* flow, struct translation* translation) {
    struct edgefw_connection4_key key;

    if (!flow || !translation) return 0;
    key = flow->key4;
    if (config.forwards_open || config.has_statics) {
        const struct edgefw_forward* forward =
            forward_of_source(key.local, key.local_port, key.protocol, flow->has_ports);

        if (forward) {
            translation->needs_tracking = forward->public_port != 0;
            set_public(translation, forward->public_address,
                       forward->public_port ? forward->public_port : key.local_port, forward->slot);
            return 1;
        }
    }
    if (!config.masquerades) return 0;
    translation->masquerade_number = masquerade_of(&key);
    translation->needs_tracking = translation->masquerade_number != 0;
    return translation->needs_tracking;
}
