// SPDX-License-Identifier: GPL-2.0-only
// translate, openers that are masqueraded: a public port that no live connection to the same remote end has; and how
// the tables by public end follow the connections.
//
//   takes    the flight of an opener, and the number of the masquerade in its translation
//   gives    the public end, in flight->translation
//   before   open (bpf/connection/open.h) asks for it, before it enters the connection
//   after    open
//
// The search begins at the port's own number where that lies in the range, else at a place that depends on the inside
// end alone. So one inside port mostly has one public port, whatever it talks to (RFC 4787 REQ-1).
#pragma once

#include "bpf/connection/table.h"
#include "bpf/nat/find.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

#define FIRST_USER_PORT 1024

// The confirmed connection of a key, or NULL.
static __always_inline const struct edgefw_connection* confirmed_of(const struct edgefw_connection4_key* key) {
    const struct edgefw_connection* found;

    if (key->protocol == IPPROTO_TCP) {
        found = bpf_map_lookup_elem(&connections4, key);
        if (config.comes_over && !found) found = bpf_map_lookup_elem(&older_connections4, key);
        STAY_APART(8);
    } else {
        found = bpf_map_lookup_elem(&datagrams4, key);
        if (config.comes_over && !found) found = bpf_map_lookup_elem(&older_datagrams4, key);
    }
    return found;
}

// The connection of a key, confirmed or half open, or NULL. It may be confirmed between the two looks: the confirmed
// ones are asked again then.
static __always_inline const struct edgefw_connection* connection_of(const struct edgefw_connection4_key* key) {
    const struct edgefw_connection* found = confirmed_of(key);

    if (!found) found = bpf_map_lookup_elem(&openings4, key);
    if (config.comes_over && !found) found = bpf_map_lookup_elem(&older_openings4, key);
    return found ? found : confirmed_of(key);
}

static __always_inline bool is_reserved(__u64 since) {
    return jiffies_since(since) <= config.reserved;
}

// Whether the public end in `key` still belongs to `owner`: it was given to that just now, or a live connection of it
// has it. A public end whose connection is gone is free.
OUT_OF_LINE bool is_taken(const struct edgefw_connection4_key* key, const struct edgefw_inside* owner) {
    struct edgefw_connection4_key own = *key;
    const struct edgefw_connection* connection;

    if (is_reserved(owner->reserved)) return true;
    own.local = owner->address;
    own.local_port = owner->port;
    connection = connection_of(&own);
    return connection && connection->public_address == key->local && connection->public_port == key->local_port &&
           !is_timed_out(connection);
}

static __always_inline bool is_same_end(const struct edgefw_inside* one, const struct edgefw_inside* other) {
    return one->address == other->address && one->port == other->port;
}

// Gives the public end in `key` to `inside` unless it is another one's: one processor alone gets it.
//
// Two processors may want the same public end at once. Where it is in no table, both enter it with BPF_NOEXIST, and the
// kernel lets one do so. The other one finds an entry that was reserved just now: it is taken. Where an entry is left
// whose connection is gone, both may find it free. Both put the present time in the place of the time that they have
// read, by compare and swap: one of the two finds it as it was, and gets the public end. The element may have gone to
// another key before that. Then the times differ, and the search goes on; or they are the same jiffy, and another
// public end stays reserved for a second longer.
//
// The reservation ends after EDGEFW_RESERVED_SECONDS. By then the connection is in its table, and is_taken() asks that.
// A processor that stops for longer between reserve() and store() loses the public end to another one; both have it
// then. No softirq stops so long. A test run can, since it may be preempted (seen on a machine with too much to do).
static __always_inline bool reserve(const struct edgefw_connection4_key* key, const struct edgefw_inside* inside) {
    struct edgefw_inside* there;
    struct edgefw_inside owner;

    if (bpf_map_update_elem(&public_openings4, key, inside, BPF_NOEXIST) == 0) {
        bpf_map_lookup_elem(&public_openings4, key);  // as store_opening() does
        return true;
    }
    there = bpf_map_lookup_elem(&public_openings4, key);
    if (!there) return false;
    owner = *there;
    if (!is_same_end(&owner, inside)) {
        if (is_taken(key, &owner)) return false;
        if (__sync_val_compare_and_swap(&there->reserved, owner.reserved, inside->reserved) != owner.reserved)
            return false;
    }
    if (bpf_map_update_elem(&public_openings4, key, inside, BPF_ANY)) return false;
    bpf_map_lookup_elem(&public_openings4, key);
    return true;
}

static __always_inline void forget_confirmed_public(const struct edgefw_connection4_key* key) {
    if (key->protocol == IPPROTO_TCP) {
        bpf_map_delete_elem(&publics4, key);
        STAY_APART(9);
    } else {
        bpf_map_delete_elem(&public_datagrams4, key);
    }
}

// Whether a confirmed connection of another inside end has the public end of the search. The entry of one that has
// ended is removed if `removes`. That may be asked of a reserved end only, since nobody else can confirm it then.
static __always_inline bool is_confirmed_elsewhere(const struct port_search* search, bool removes) {
    const struct edgefw_inside* there = inside_of_confirmed(&search->key);
    struct edgefw_inside owner;

    if (!there) return false;
    owner = *there;
    if (is_same_end(&owner, &search->inside)) return false;
    if (is_taken(&search->key, &owner)) return true;
    if (removes) forget_confirmed_public(&search->key);
    return false;
}

// Tries one public port. Returns 1, which ends the loop, when it was free and is reserved now.
static long try_port(__u64 unused, void* none) {
    struct flight* flight = fetch();
    struct port_search* search;

    (void)unused, (void)none;
    if (!flight) return 1;
    search = &flight->search;
    search->key.local_port = bpf_htons(search->first + search->at * search->step);
    if (search->scattered)
        search->at = bpf_get_prandom_u32() % search->places;
    else
        search->at = search->at + 1 < search->places ? search->at + 1 : 0;
    if (is_forwarded(search->key.local, search->key.local_port, search->key.protocol)) return 0;
    if (is_confirmed_elsewhere(search, false) || !reserve(&search->key, &search->inside)) return 0;
    // Another processor may have confirmed it between the two.
    if (is_confirmed_elsewhere(search, true)) {
        bpf_map_delete_elem(&public_openings4, &search->key);
        return 0;
    }
    search->found = true;
    return 1;
}

// Whether a whole range may be searched now. That may take long, so it is not done for each packet of a sender that
// fills the range.
static __always_inline bool may_search_all(void) {
    const __u64 now = bpf_ktime_get_coarse_ns();
    __u32 zero = 0;
    __u64* last = bpf_map_lookup_elem(&searched, &zero);

    if (!last || now - *last < EDGEFW_PORT_SEARCH_PAUSE * 1000000ull) return false;
    *last = now;
    return true;
}

// Searches the ports from `first` to `last`: near the inside port's own number, then anywhere, then each.
GLOBAL int search_ports(__u32 first, __u32 last, int parity) {
    struct flight* flight = fetch();
    struct port_search* search;
    __u32 port, places;

    if (!flight) return false;
    search = &flight->search;
    port = bpf_ntohs(flight->flow.key4.local_port);
    search->step = parity ? 2 : 1;
    search->first = first + (parity ? (first ^ port) & 1 : 0);
    if (search->first > last) return false;
    places = (last - search->first) / search->step + 1;
    search->places = places;
    if (search->first <= port && port <= last)
        search->at = (port - search->first) / search->step;
    else
        search->at = ((flight->flow.key4.local * 0x9e3779b1u ^ port * 0x85ebca6bu) >> 8) % places;
    search->scattered = false;
    bpf_loop(places < EDGEFW_NEAR_PORT_TRIES ? places : EDGEFW_NEAR_PORT_TRIES, try_port, NULL, 0);
    if (search->found || places <= EDGEFW_NEAR_PORT_TRIES) return search->found;
    search->scattered = true;
    bpf_loop(EDGEFW_SCATTERED_PORT_TRIES, try_port, NULL, 0);
    if (search->found || !may_search_all()) return search->found;
    search->scattered = false;
    bpf_loop(places, try_port, NULL, 0);
    return search->found;
}

// Searches the inside port's own side of 1024 first (RFC 4787 REQ-3), then the other one.
static __always_inline bool search_sides(const struct flight* flight, __u32 first, __u32 last, bool parity) {
    const bool low = bpf_ntohs(flight->flow.key4.local_port) < FIRST_USER_PORT;
    const __u32 end = last < FIRST_USER_PORT ? last : FIRST_USER_PORT - 1;
    const __u32 begin = first < FIRST_USER_PORT ? FIRST_USER_PORT : first;

    if (low && search_ports(first, end, parity)) return true;
    return search_ports(begin, last, parity) || (!low && search_ports(first, end, parity));
}

// Gives the packet, an opener, its public end, by the masquerade that was found. False: there is none left.
GLOBAL int allocate(void) {
    struct flight* flight = fetch();
    const struct edgefw_masquerade* entry;
    struct translation* translation;
    const struct flow* flow;
    struct port_search* search;
    __u32 index;
    bool found;

    if (!flight) return false;
    flow = &flight->flow;
    translation = &flight->translation;
    search = &flight->search;
    index = translation->masquerade_number - 1;
    entry = bpf_map_lookup_elem(&masquerades, &index);
    if (!entry) return false;
    translation->nat = entry->slot;  // also where it has no port left
    *search = (struct port_search){.key = flow->key4, .places = 1};
    search->key.local = entry->public_address;
    search->inside = (struct edgefw_inside){flow->key4.local, flow->key4.local_port, entry->slot, bpf_jiffies64()};
    search->first = bpf_ntohs(flow->key4.local_port);  // for a protocol that keeps it
    if (!gets_public_port(flow->protocol))
        found = try_port(0, NULL);
    else if (flow->protocol == IPPROTO_ICMP)
        found = search_ports(entry->first, entry->last, false);
    else  // parity is for UDP only (RFC 4787 REQ-4)
        found = search_sides(flight, entry->first, entry->last, entry->keeps_parity && flow->protocol == IPPROTO_UDP);
    if (!found) return false;
    translation->public_address = search->key.local;
    translation->public_port = search->key.local_port;
    return true;
}

// The key of a masqueraded connection as it is outside.
static __always_inline struct edgefw_connection4_key public_key(const struct flow* flow,
                                                                const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = flow->key4;

    key.local = connection->public_address;
    key.local_port = connection->public_port;
    return key;
}

// The inside end of a masqueraded connection, as the tables by public end have it.
static __always_inline struct edgefw_inside inside_of(const struct flow* flow,
                                                      const struct edgefw_connection* connection) {
    return (struct edgefw_inside){flow->key4.local, flow->key4.local_port, connection->nat, bpf_jiffies64()};
}

static __always_inline bool is_masqueraded(const struct flow* flow, const struct edgefw_connection* connection) {
    return config.masquerades && flow->family == EDGEFW_IPV4 && connection->masqueraded;
}

// The tables by public end follow the connection as it is confirmed, goes back, and is forgotten. They are written by
// the processor that moves the connection, and in the same order: a public end is entered in the new table before it is
// taken out of the old one, and find_inside() asks the confirmed ones a second time. So a packet always finds it. What
// a packet finds is believed only if the connection says the same (comes_as_its_own() in bpf/connection/table.h): a
// public end that is found a moment too early or too late translates nothing.

OUT_OF_LINE void confirm_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);
    struct edgefw_inside inside = inside_of(flow, connection);

    if (flow->protocol == IPPROTO_TCP) {
        bpf_map_update_elem(&publics4, &key, &inside, BPF_ANY);
        STAY_APART(10);
    } else {
        bpf_map_update_elem(&public_datagrams4, &key, &inside, BPF_ANY);
    }
    bpf_map_delete_elem(&public_openings4, &key);
    inside_of_confirmed(&key);  // as confirm() does
}

OUT_OF_LINE void move_back_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);
    struct edgefw_inside inside = inside_of(flow, connection);

    bpf_map_update_elem(&public_openings4, &key, &inside, BPF_ANY);
    bpf_map_lookup_elem(&public_openings4, &key);  // as store_opening() does
    forget_confirmed_public(&key);
}

OUT_OF_LINE void forget_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);

    forget_confirmed_public(&key);
    bpf_map_delete_elem(&public_openings4, &key);
}

// `fresh` was not needed, because its connection is there and has the public end of `by`. The one that `fresh` got
// becomes free.
static __always_inline void give_back(const struct flow* flow, const struct edgefw_connection* fresh,
                                      const struct translation* by) {
    struct edgefw_connection4_key key;

    if (fresh->public_address == by->public_address && fresh->public_port == by->public_port) return;
    key = public_key(flow, fresh);
    bpf_map_delete_elem(&public_openings4, &key);
}
