// open: a connection for the packet that the rules let open one.
#pragma once

#include "bpf/masquerade.h"
#include "bpf/track.h"

enum opening {
    OPENED,
    KNOWN,     // the connection was there already, and has decided the packet
    REFUSED,   // the kernel could not store it
    COLLIDES,  // another one has the same ends inside
    NO_PORT,   // the masquerade has no public port left
    NOT_ADOPTED,
};

// Received: what was found has the packet's ends inside and lives, but has another public end.
static __always_inline bool collides(const struct packet* packet, const struct edgefw_connection* found,
                                     const __u32 hook) {
    return found && is_live(packet, found) && !comes_as_its_own(packet, found, hook);
}

// Enters the connection that `packet` opens under the rule in `slot`, half open.
static __always_inline enum opening open(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection value = begun_by(packet, hook, first_state(packet));
    __u32 slot = packet->slot;
    bool stored;

    if (config.translates && packet->family == EDGEFW_IPV4) {
        if (hook == EDGEFW_SENT && packet->masquerade) {
            if (live(packet, hook) && track(context, packet, hook)) return KNOWN;
            packet->slot = slot;
            if (!allocate(packet)) return NO_PORT;
            value.masqueraded = 1;
        }
        value.nat = packet->nat;
        value.public_address = packet->public_address;
        value.public_port = packet->public_port;
    }
    value.end[hook].bytes = wire_bytes(packet, hook);
    // Of the half-open ones a refusal to store tells soon enough.
    if (packet->protocol == IPPROTO_TCP || comes_by_public_end(packet, hook)) {
        struct edgefw_connection* confirmed = lookup(packet, false);

        if (collides(packet, confirmed, hook)) return COLLIDES;
        if (packet->protocol == IPPROTO_TCP && confirmed && is_live(packet, confirmed)) {
            if (track(context, packet, hook)) return KNOWN;
            packet->slot = slot;
        } else if (packet->protocol == IPPROTO_TCP && confirmed) {
            forget(packet, false);
        }
    }
    if (packet->protocol == IPPROTO_TCP) {
        read_scale(context, hook, packet);
        value.end[hook].next = sequence_end(packet);
        value.end[hook].scale = packet->scale;
        value.end[hook].window = value.end[OTHER(hook)].window = FIRST_WINDOW;
        value.end[OTHER(hook)].acknowledged = sequence(packet);
    }
    if (store(packet, true, &value, BPF_NOEXIST) == 0) return OPENED;
    if (comes_by_public_end(packet, hook) && collides(packet, lookup(packet, true), hook)) return COLLIDES;
    if (!value.masqueraded) {
        if (track(context, packet, hook)) return KNOWN;
        packet->slot = slot;
    }
    stored = store(packet, true, &value, BPF_ANY) == 0;
    if (!stored && value.masqueraded) forget_public(packet, &value);
    return stored ? OPENED : REFUSED;
}
