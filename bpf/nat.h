// translate, the finding: which NAT entry gives a packet its local end (maps/forward.h). IPv4.
//
// Everything behind it, rules and connections, knows the local end as it is inside; packet->public_* is how it is
// outside. bpf/translate.h writes what was found.
#pragma once

#include "bpf/key.h"
#include "bpf/maps.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

// Received: some port forward has this local port, or a static entry may have this address.
static __always_inline bool may_be_forwarded(const struct packet* packet) {
    if (!config.has_forwards || packet->family != EDGEFW_IPV4) return false;
    return config.has_statics ||
           (packet->has_ports && (config.forward_in_ports & edgefw_forward_bit(packet->key4.local_port)));
}

static __always_inline bool is_public_end(const struct edgefw_forward* forward, __be32 address, __be16 port,
                                          __u8 protocol) {
    return (forward->flags & EDGEFW_FORWARD_USED) && (forward->flags & EDGEFW_FORWARD_ON(config.side)) &&
           forward->public_address == address && forward->public_port == port && forward->protocol == protocol;
}

// The entry in force of a public address, port and protocol (static: 0 and 0), or NULL. `retired`, where given, says
// whether a retired one matches.
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

// The entry in force that translates a destination: a port forward comes before a static entry.
static __always_inline struct edgefw_forward* forward_of(__be32 address, __be16 port, __u8 protocol, bool has_ports,
                                                         bool* retired) {
    struct edgefw_forward* forward = NULL;

    if (has_ports) forward = forward_of_public(address, port, protocol, retired);
    if (!forward && config.has_statics) forward = forward_of_public(address, 0, 0, retired);
    return forward;
}

// The static entry in force of an inside address, or NULL.
static __always_inline struct edgefw_forward* static_of_target(__be32 address) {
    __u32 index = edgefw_forward_bucket(address, 0, 0, config.forward_out_seed, config.forward_out_mask);

#pragma unroll
    for (int i = 0; i < EDGEFW_MAX_FORWARD_CHAIN; i++) {
        struct edgefw_forward* forward = bpf_map_lookup_elem(&forwards_out, &index);

        if (!forward) break;
        if ((forward->flags & EDGEFW_FORWARD_USED) && (forward->flags & EDGEFW_FORWARD_ON(config.side)) &&
            !(forward->flags & EDGEFW_FORWARD_RETIRED) && forward->target_address == address)
            return forward;
        index = forward->next;
        if (index == 0) break;
    }
    return NULL;
}

static __always_inline void set_public(struct packet* packet, __be32 address, __be16 port, __u16 nat) {
    packet->public_address = address;
    packet->public_port = port;
    packet->nat = nat;
}

// The local end as it was on the wire; nothing translates the packet.
static __always_inline void untranslate(struct packet* packet) {
    set_key_addresses4(packet, packet->public_address, packet->key4.remote);
    set_key_end(packet, packet->public_port, packet->key4.remote_port);
    set_public(packet, 0, 0, 0);
    packet->masqueraded = false;
    packet->needs_tracking = 0;
}

// Received: the local port, or an echo reply's identifier, may be one that a masquerade gave.
static __always_inline bool may_be_masqueraded(const struct packet* packet) {
    __u32 port = bpf_ntohs(packet->key4.local_port);

    if (!config.masquerades || packet->family != EDGEFW_IPV4 || packet->is_syn) return false;
    if (!packet->has_ports && packet->protocol != IPPROTO_ICMP) return true;
    return config.masquerade_first <= port && port <= config.masquerade_last;
}

__noinline int find_inside(struct packet* packet) {
    const struct edgefw_inside* inside;

    if (!packet) return 0;
    inside = bpf_map_lookup_elem(&publics4, &packet->key4);
    if (!inside) inside = bpf_map_lookup_elem(&public_openings4, &packet->key4);
    if (!inside) return 0;
    set_public(packet, packet->key4.local, packet->key4.local_port, inside->nat);
    packet->masqueraded = true;
    packet->needs_tracking = 1;
    set_key_addresses4(packet, inside->address, packet->key4.remote);
    set_key_end(packet, inside->port, packet->key4.remote_port);
    return 1;
}

// Gives the packet the local end that the entry says.
static __always_inline void take_destination(struct packet* packet, const struct edgefw_forward* forward) {
    const bool is_static = config.has_statics && !forward->public_port;
    const __be16 port = is_static ? packet->key4.local_port : forward->target_port;

    set_public(packet, packet->key4.local, packet->key4.local_port, forward->slot);
    packet->needs_tracking = forward->public_port;
    // The hairpin of a static entry: no entry translates the source of replies here, the connection does.
    if (is_static && config.side == EDGEFW_INTERNAL)
        packet->needs_tracking = forward->flags & EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL);
    set_key_addresses4(packet, forward->target_address, packet->key4.remote);
    set_key_end(packet, port, packet->key4.remote_port);
}

// Its own function: what follows it the verifier then walks once, not once for every way to find an entry.
__noinline int find_destination(struct packet* packet) {
    const struct edgefw_forward* forward;

    if (!packet) return 0;
    forward = forward_of(packet->key4.local, packet->key4.local_port, packet->key4.protocol, packet->has_ports,
                         &packet->retired);
    if (forward) take_destination(packet, forward);
    return forward != NULL;
}

// What is common is inline: the port forward that is alone in its bucket.
static __always_inline bool forward_destination(struct packet* packet) {
    const __be32 address = packet->key4.local;
    const __be16 port = packet->key4.local_port;
    const __u8 protocol = packet->key4.protocol;
    const struct edgefw_forward* forward;
    __u32 index;

    if (!may_be_forwarded(packet)) return false;
    index = edgefw_forward_bucket(address, port, protocol, config.forward_in_seed, config.forward_in_mask);
    forward = bpf_map_lookup_elem(&forwards_in, &index);
    if (!forward || !port || forward->next || (forward->flags & EDGEFW_FORWARD_RETIRED) ||
        !is_public_end(forward, address, port, protocol))
        return find_destination(packet);
    take_destination(packet, forward);
    return true;
}

// Received: gives the packet its local end inside.
static __always_inline void translate_destination(struct packet* packet) {
    if (forward_destination(packet)) return;
    if (may_be_masqueraded(packet)) find_inside(packet);
}

// The first masquerade for this key, + 1; 0: none. Its own function: for openers alone.
static __noinline __u32 masquerade_of(const struct edgefw_connection4_key* key) {
    __u32 index = 0;

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

// Sent, and of no known connection: finds what translates its source.
__noinline int translate_source(struct packet* packet) {
    if (!packet) return 0;
    if (config.has_statics) {
        const struct edgefw_forward* forward = static_of_target(packet->key4.local);

        if (forward) {
            set_public(packet, forward->public_address, packet->key4.local_port, forward->slot);
            return 1;
        }
    }
    if (!config.masquerades) return 0;
    packet->masquerade = masquerade_of(&packet->key4);
    packet->needs_tracking = packet->masquerade != 0;
    return packet->needs_tracking;
}
