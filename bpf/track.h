// track: packet -> the connection it belongs to, if any; and open: a new one. Tables: maps/connection.h.
//
// An LRU element can be recycled for another key while a pointer to it is held. No verdict depends on that not
// happening: what identifies a connection is in the key; what is read through the pointer says which rule counts,
// whether a reset is believed and, sent, what the public end is; where more hangs on it (revocation, confirmation) the
// key is looked up again. What is written through it can at worst leave another connection with wrong numbers: a reset
// of it is refused.
#pragma once

#include "bpf/account.h"
#include "bpf/carry_over.h"
#include "bpf/classify.h"
#include "bpf/maps.h"
#include "bpf/masquerade.h"
#include "bpf/nat.h"
#include "bpf/tcp.h"

#include <bpf/bpf_endian.h>

// Keeps clang from merging a call on one map with the same call on another: with a map chosen at run time the verifier
// can neither inline the lookup nor call it directly (measured: 22 ns through a retpoline).
// A barrier behind one of the two is enough to tell them apart.
#define STAY_APART() asm volatile("" ::: "memory")

static __always_inline struct edgefw_connection* lookup_once(const struct packet* packet, const bool half_open) {
    struct edgefw_connection* found;

    if (packet->family == EDGEFW_IPV4) {
        found = half_open ? bpf_map_lookup_elem(&openings4, &packet->key4)
                          : bpf_map_lookup_elem(&connections4, &packet->key4);
        STAY_APART();
    } else {
        found = half_open ? bpf_map_lookup_elem(&openings6, &packet->key6)
                          : bpf_map_lookup_elem(&connections6, &packet->key6);
    }
    return found;
}

static __always_inline struct edgefw_connection* lookup(struct packet* packet, const bool half_open) {
    struct edgefw_connection* found = lookup_once(packet, half_open);

    if (config.comes_over && !found && carry_over(packet, half_open)) found = lookup_once(packet, half_open);
    return found;
}

static __always_inline void forget(struct packet* packet, const bool half_open) {
    long result;

    if (config.comes_over) carry_over(packet, half_open);
    if (packet->family == EDGEFW_IPV4) {
        result = half_open ? bpf_map_delete_elem(&openings4, &packet->key4)
                           : bpf_map_delete_elem(&connections4, &packet->key4);
        STAY_APART();
    } else {
        result = half_open ? bpf_map_delete_elem(&openings6, &packet->key6)
                           : bpf_map_delete_elem(&connections6, &packet->key6);
    }
    if (result == 0) count_event(packet, half_open, REMOVED);
}

static __always_inline long store_once(const struct packet* packet, const bool half_open,
                                       const struct edgefw_connection* value, __u64 flags) {
    long result;

    if (packet->family == EDGEFW_IPV4) {
        result = half_open ? bpf_map_update_elem(&openings4, &packet->key4, value, flags)
                           : bpf_map_update_elem(&connections4, &packet->key4, value, flags);
        STAY_APART();
    } else {
        result = half_open ? bpf_map_update_elem(&openings6, &packet->key6, value, flags)
                           : bpf_map_update_elem(&connections6, &packet->key6, value, flags);
    }
    return result;
}

// Takes the place of another one of the key: rare.
static __noinline long store_over(struct packet* packet, const bool half_open, const struct edgefw_connection* value,
                                  long refusal) {
    long result = half_open ? store_once(packet, true, value, BPF_ANY) : store_once(packet, false, value, BPF_ANY);

    count_event(packet, half_open, result ? NOT_STORED : refusal == -EEXIST ? REPLACED : INSERTED);
    return result;
}

// `flags`: BPF_NOEXIST, or BPF_ANY to take the place of another one of the key. Tells a new entry from a replaced one:
// what was inserted, less what was removed and is there, is what LRU recycled.
static __always_inline long store(struct packet* packet, const bool half_open, const struct edgefw_connection* value,
                                  const __u64 flags) {
    long result;

    if (config.comes_over) carry_over(packet, half_open);
    result = store_once(packet, half_open, value, BPF_NOEXIST);
    if (result) return flags == BPF_ANY ? store_over(packet, half_open, value, result) : result;
    count_event(packet, half_open, INSERTED);
    return 0;
}

static __always_inline bool is_live(const struct packet* packet, const struct edgefw_connection* connection) {
    return !(packet->is_syn && connection->state == EDGEFW_STATE_TCP_CLOSED) && !is_timed_out(connection);
}

// A connection has one public end, or none: what is received by another way is not of it. What is sent goes out by it.
static __always_inline bool comes_as_its_own(const struct packet* packet, const struct edgefw_connection* connection,
                                             const __u32 hook) {
    return !config.translates || packet->family != EDGEFW_IPV4 || hook == EDGEFW_SENT ||
           (connection->public_address == packet->public_address && connection->public_port == packet->public_port);
}

static __always_inline bool is_live_and_its_own(const struct packet* packet, const struct edgefw_connection* connection,
                                                const __u32 hook) {
    return connection && is_live(packet, connection) && comes_as_its_own(packet, connection, hook);
}

// The live connection of the packet, confirmed or half open, or NULL.
static __always_inline struct edgefw_connection* live(struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection = lookup(packet, false);

    packet->half_open = false;
    if (is_live_and_its_own(packet, connection, hook)) return connection;
    connection = lookup(packet, true);
    packet->half_open = true;
    return is_live_and_its_own(packet, connection, hook) ? connection : NULL;
}

static __always_inline bool is_closed(const struct edgefw_connection* connection) {
    return connection->state == EDGEFW_STATE_TCP_CLOSED;
}

static __always_inline __u8 first_state(const struct packet* packet) {
    switch (packet->protocol) {
        case IPPROTO_TCP:
            return EDGEFW_STATE_TCP_OPENING;
        case IPPROTO_UDP:
            return EDGEFW_STATE_UDP_ONE_WAY;
        case IPPROTO_ICMP:
        case PROTOCOL_ICMPV6:
            return EDGEFW_STATE_ECHO;
        default:
            return EDGEFW_STATE_OTHER_ONE_WAY;
    }
}

// A half-open TCP connection: what the segment makes of it. RFC 9293 section 3.5; both ends may send SYN.
static __always_inline __u8 handshake(const struct packet* packet, struct edgefw_end* from, struct edgefw_end* to,
                                      __u8 state, bool from_opener) {
    const __u32 flags = packet->detail;

    if (state == EDGEFW_STATE_TCP_CLOSED) return state;
    if (flags & TCP_RST) {
        const bool refuses = !from_opener && acknowledges(packet, to->next);
        const bool aborts = sequence(packet) == from->next && (from_opener || state == EDGEFW_STATE_TCP_ANSWERED);

        return refuses || aborts ? EDGEFW_STATE_TCP_CLOSED : state;
    }
    if (from_opener) {
        if (state == EDGEFW_STATE_TCP_ANSWERED && acknowledges(packet, to->next)) {
            from->acknowledged = acknowledgment(packet);
            return EDGEFW_STATE_TCP_ESTABLISHED;
        }
        if (!packet->is_syn || sequence_end(packet) == from->next) return state;
        from->next = sequence_end(packet);  // it begins anew
        to->acknowledged = sequence(packet);
        return EDGEFW_STATE_TCP_OPENING;
    }
    if (!(flags & TCP_SYN) || ((flags & TCP_ACK) && !acknowledges(packet, to->next))) return state;
    from->next = sequence_end(packet);
    from->scale = packet->scale;
    if (flags & TCP_ACK) from->acknowledged = acknowledgment(packet);
    to->acknowledged = sequence(packet);
    if (from->scale == EDGEFW_SCALE_NONE || to->scale == EDGEFW_SCALE_NONE) from->scale = to->scale = 0;
    return EDGEFW_STATE_TCP_ANSWERED;
}

// A confirmed TCP connection, likewise. A reset was asked before whether it fits.
static __always_inline __u8 next_tcp_state(const struct packet* packet, const struct edgefw_end* to, __u8 state,
                                           bool from_opener) {
    if (packet->detail & TCP_RST || state == EDGEFW_STATE_TCP_CLOSED) return EDGEFW_STATE_TCP_CLOSED;
    if ((packet->detail & TCP_FIN) && fin_fits(packet, to)) {
        __u8 other = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;

        if (state == other) return EDGEFW_STATE_TCP_CLOSED;
        return from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    }
    return state;
}

static __always_inline bool is_two_way(__u8 state) {
    return state == EDGEFW_STATE_UDP_TWO_WAY || state == EDGEFW_STATE_ECHO_TWO_WAY ||
           state == EDGEFW_STATE_OTHER_TWO_WAY;
}

// Of what is not TCP: answered by the other end, confirmed when the opener goes on.
static __always_inline __u8 next_state(__u8 state, bool from_opener) {
    switch (state) {
        case EDGEFW_STATE_UDP_ONE_WAY:
        case EDGEFW_STATE_ECHO:
        case EDGEFW_STATE_OTHER_ONE_WAY:
            return from_opener ? state : state + 1;
        case EDGEFW_STATE_UDP_ANSWERED:
        case EDGEFW_STATE_ECHO_ANSWERED:
        case EDGEFW_STATE_OTHER_ANSWERED:
            return from_opener ? state + 1 : state;
        default:
            return state;
    }
}

// The key of a masqueraded connection as it is outside.
static __always_inline struct edgefw_connection4_key public_key(const struct packet* packet,
                                                                const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = packet->key4;

    key.local = connection->public_address;
    key.local_port = connection->public_port;
    return key;
}

// Its own function: the stack is short.
static __noinline void confirm_public(const struct packet* packet, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(packet, connection);
    struct edgefw_inside inside = {packet->key4.local, packet->key4.local_port, connection->nat};

    bpf_map_update_elem(&publics4, &key, &inside, BPF_ANY);
    bpf_map_delete_elem(&public_openings4, &key);
    bpf_map_lookup_elem(&publics4, &key);  // as confirm() does
}

static __noinline void retire_public(const struct packet* packet, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(packet, connection);
    struct edgefw_inside inside = {packet->key4.local, packet->key4.local_port, connection->nat};

    bpf_map_update_elem(&public_openings4, &key, &inside, BPF_ANY);
    bpf_map_delete_elem(&publics4, &key);
}

static __noinline void forget_public(const struct packet* packet, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(packet, connection);

    bpf_map_delete_elem(&publics4, &key);
    bpf_map_delete_elem(&public_openings4, &key);
}

// A half-open connection that has reached `state` moves to the confirmed ones. Where those have no room it stays half
// open and goes on. Its own function: it runs once a connection.
static __noinline void confirm(struct packet* packet, struct edgefw_connection* connection, __u8 state) {
    __u8 before = connection->state;

    connection->state = state;
    if (store(packet, false, connection, BPF_ANY)) {
        connection->state = before;
        return;
    }
    // Recycled meanwhile: what was stored belonged to another.
    if (lookup(packet, true) != connection) {
        forget(packet, false);
        return;
    }
    if (config.masquerades && packet->family == EDGEFW_IPV4 && connection->masqueraded)
        confirm_public(packet, connection);
    forget(packet, true);
    // An entry that nothing has looked up yet makes room before all others (the kernel's LRU).
    lookup(packet, false);
}

// A confirmed connection that closed makes room first: it goes back to the half-open ones. Its own function, likewise.
static __noinline void retire(struct packet* packet, struct edgefw_connection* connection) {
    connection->state = EDGEFW_STATE_TCP_CLOSED;
    if (store(packet, true, connection, BPF_ANY)) return;
    if (config.masquerades && packet->family == EDGEFW_IPV4 && connection->masqueraded)
        retire_public(packet, connection);
    forget(packet, false);
}

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

// As live() found it.
static __always_inline struct edgefw_connection* lookup_found(struct packet* packet) {
    return packet->half_open ? lookup(packet, true) : lookup(packet, false);
}

// Judges what opened the connection again, under this program's policy. True: it goes on.
// Its own function: it runs once a connection and push.
static __noinline bool judge_again(struct packet* packet, struct edgefw_connection* connection) {
    __u16 detail = packet->detail, vlan = packet->vlan;
    bool opens = packet->opens;
    __u32 hook = connection->hook == EDGEFW_SENT ? EDGEFW_SENT : EDGEFW_RECEIVED;
    __u32 outcome, slot = EDGEFW_SLOT_NONE;
    bool translated = true;

    packet->detail = connection->detail;
    packet->vlan = connection->vlan;
    packet->opens = true;
    if (packet->family == EDGEFW_IPV4 && connection->nat)
        translated = config.translates && translates_as_before(packet, connection);
    if (classify(packet, TREE_INDEX(hook, packet->family & 1))) {
        outcome = packet->outcome;
        slot = outcome & EDGEFW_OUTCOME_SLOT_MASK;
    } else {
        outcome = hook == EDGEFW_SENT ? config.default_outcome[EDGEFW_SENT] : config.default_outcome[EDGEFW_RECEIVED];
    }
    packet->detail = detail;
    packet->vlan = vlan;
    packet->opens = opens;
    // Recycled meanwhile: what was read belonged to another. Then there is no connection of this key.
    if (lookup_found(packet) != connection || !translated || !(outcome & EDGEFW_OUTCOME_PASS)) return false;
    connection->rule = slot;
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

// A reset of a confirmed connection that neither end can have sent: it changes nothing, and drops.
static __always_inline bool is_stray_reset(const struct packet* packet, const struct edgefw_connection* connection,
                                           const __u32 hook) {
    if (packet->protocol != IPPROTO_TCP || !(packet->detail & TCP_RST)) return false;
    if (packet->half_open || is_closed(connection)) return false;
    return !reset_fits(packet, &connection->end[hook], &connection->end[OTHER(hook)]);
}

// What the packet makes of its connection's state and numbers.
static __always_inline void advance(void* context, struct packet* packet, struct edgefw_connection* connection,
                                    const __u32 hook) {
    const bool from_opener = connection->hook == hook;
    struct edgefw_end* from = &connection->end[hook];
    struct edgefw_end* to = &connection->end[OTHER(hook)];
    __u8 state = connection->state;
    bool confirmed = !packet->half_open;

    if (packet->protocol != IPPROTO_TCP) {
        state = next_state(state, from_opener);
        confirmed |= is_two_way(state);
    } else {
        if (packet->half_open) {
            if (packet->detail & TCP_SYN) read_scale(context, hook, packet);
            state = handshake(packet, from, to, state, from_opener);
            confirmed = state == EDGEFW_STATE_TCP_ESTABLISHED;
        }
        if (confirmed) {
            note_numbers(packet, from, to);
            state = next_tcp_state(packet, to, state, from_opener);
        }
    }
    if (state == connection->state) return;
    if (packet->half_open && confirmed)
        confirm(packet, connection, state);
    else if (!packet->half_open && state == EDGEFW_STATE_TCP_CLOSED)
        retire(packet, connection);
    else
        connection->state = state;
}

// The packet goes where its connection goes.
static __always_inline void take_translation(struct packet* packet, const struct edgefw_connection* connection,
                                             const __u32 hook) {
    if (!config.translates || packet->family != EDGEFW_IPV4) return;
    packet->nat = connection->nat;
    if (hook == EDGEFW_RECEIVED) return;
    packet->public_address = connection->public_address;
    packet->public_port = connection->public_port;
}

// The packet is part of this live connection, and counts for its rule.
static __always_inline void pass_along(struct packet* packet, struct edgefw_connection* connection, const __u32 hook) {
    __u32 now = bpf_jiffies64();

    if (now != connection->seen) connection->seen = now;
    connection->end[hook].bytes += wire_bytes(packet, hook);
    packet->verdict = EDGEFW_PASS;
    packet->reason = EDGEFW_REASON_CONNECTION;
    packet->slot = connection->rule;
    take_translation(packet, connection, hook);
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

// track: true when the packet is decided by a connection (passed, revoked, or a reset that does not fit).
static __always_inline bool track_slowly(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection = live(packet, hook);

    if (!connection) {
        return hook == EDGEFW_RECEIVED && config.has_forwards && packet->retired && !packet->is_syn &&
               revoke_retired(packet);
    }
    if ((__s32)(connection->generation - config.generation) < 0 && !judge_again(packet, connection)) {
        revoke(packet, connection);
        return true;
    }
    if (is_stray_reset(packet, connection, hook)) {
        packet->verdict = EDGEFW_DROP;
        packet->reason = EDGEFW_REASON_TCP_SEQUENCE;
        return true;
    }
    pass_along(packet, connection, hook);
    advance(context, packet, connection, hook);
    return true;
}

__noinline int track_received(struct xdp_md* context, struct packet* packet) {
    return packet ? track_slowly(context, packet, EDGEFW_RECEIVED) : 0;
}

__noinline int track_sent(struct __sk_buff* context, struct packet* packet) {
    return packet ? track_slowly(context, packet, EDGEFW_SENT) : 0;
}

static __always_inline bool track(void* context, struct packet* packet, const __u32 hook) {
    return hook == EDGEFW_RECEIVED ? track_received(context, packet) : track_sent(context, packet);
}

// The connection is open, and the packet changes nothing but its numbers.
static __always_inline bool is_plain(const struct packet* packet, const struct edgefw_connection* connection) {
    if (connection->generation != config.generation || is_closed(connection)) return false;
    return packet->protocol != IPPROTO_TCP || !(packet->detail & (TCP_SYN | TCP_FIN | TCP_RST));
}

// track, before anything else is asked: a whole packet of a live connection. (No built-in rule comes before it: what
// one passes never opens a connection under the same policy.) What is common is inline: a plain packet of a confirmed
// connection that this generation has judged.
static __always_inline bool pass_known(void* context, struct packet* packet, const __u32 hook) {
    struct edgefw_connection* connection;

    if (!config.keeps_state || !packet->tracked || packet->is_syn || packet->fragment != FRAGMENT_NONE) return false;
    connection = lookup(packet, false);
    if (!is_live_and_its_own(packet, connection, hook) || !is_plain(packet, connection))
        return track(context, packet, hook);
    if (packet->protocol == IPPROTO_TCP) note_numbers(packet, &connection->end[hook], &connection->end[OTHER(hook)]);
    pass_along(packet, connection, hook);
    return true;
}

enum opening {
    OPENED,
    KNOWN,     // the connection was there already, and has decided the packet
    REFUSED,   // the kernel could not store it
    COLLIDES,  // another one has the same ends inside
    NO_PORT,   // the masquerade has no public port left
};

static __always_inline bool collides_in(struct packet* packet, const bool half_open) {
    const struct edgefw_connection* connection = lookup(packet, half_open);

    return connection && is_live(packet, connection) && !comes_as_its_own(packet, connection, EDGEFW_RECEIVED);
}

// Received: a live connection has the packet's ends inside, but another public end.
__noinline int collides(struct packet* packet) {
    return packet && (collides_in(packet, false) || collides_in(packet, true));
}

// Enters the connection that `packet` opens under the rule in `slot`, half open.
static __always_inline enum opening open(void* context, struct packet* packet, const __u32 hook) {
    __u32 now = bpf_jiffies64();
    struct edgefw_connection value = {
        .generation = config.generation,
        .rule = packet->slot,
        .seen = now,
        .opened = now,
        .hook = hook,
        .state = first_state(packet),
        .detail = packet->detail,
        .vlan = packet->vlan,
    };
    __u32 slot = packet->slot;
    bool stored;

    if (config.translates && packet->family == EDGEFW_IPV4) {
        if (hook == EDGEFW_RECEIVED && collides(packet)) return COLLIDES;
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
    if (packet->protocol == IPPROTO_TCP) {
        struct edgefw_connection* confirmed = lookup(packet, false);

        if (confirmed && is_live(packet, confirmed)) {
            if (track(context, packet, hook)) return KNOWN;
            packet->slot = slot;
        } else if (confirmed) {
            forget(packet, false);
        }
        read_scale(context, hook, packet);
        value.end[hook].next = sequence_end(packet);
        value.end[hook].scale = packet->scale;
        value.end[hook].window = value.end[OTHER(hook)].window = FIRST_WINDOW;
        value.end[OTHER(hook)].acknowledged = sequence(packet);
    }
    if (store(packet, true, &value, BPF_NOEXIST) == 0) return OPENED;
    if (!value.masqueraded) {
        if (track(context, packet, hook)) return KNOWN;
        packet->slot = slot;
    }
    stored = store(packet, true, &value, BPF_ANY) == 0;
    if (!stored && value.masqueraded) forget_public(packet, &value);
    return stored ? OPENED : REFUSED;
}
