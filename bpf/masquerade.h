// translate, openers that are masqueraded: a public port that no live connection to the same remote end has; and how
// the tables by public end follow the connections.
//
// The search begins at the port's own number where it lies in the range, else at a place that depends on the inside end
// alone: so one inside port mostly has one public port whatever it talks to (RFC 4787 REQ-1).
#pragma once

#include "bpf/nat.h"
#include "bpf/table.h"

#include <linux/in.h>

#include <bpf/bpf_endian.h>

struct search {
    struct edgefw_connection4_key key;  // as it is outside: the local port is what is tried
    struct edgefw_inside inside;
    __u32 first;
    __u32 places;  // ports to choose from: `step` apart, from `first` on
    __u32 step;
    __u32 at;
    bool found;
};

// Whether a live connection is what `inside` says of the public end in `key`. What lost its connection is free.
static __noinline bool is_taken(const struct edgefw_connection4_key* key, const struct edgefw_inside* inside) {
    struct edgefw_connection4_key own = *key;
    const struct edgefw_connection* connection;

    own.local = inside->address;
    own.local_port = inside->port;
    connection = bpf_map_lookup_elem(&connections4, &own);
    if (!connection) connection = bpf_map_lookup_elem(&openings4, &own);
    return connection && connection->public_address == key->local && connection->public_port == key->local_port &&
           !is_timed_out(connection);
}

static __always_inline bool is_same_end(const struct edgefw_inside* one, const struct edgefw_inside* other) {
    return one->address == other->address && one->port == other->port;
}

// One public port; returns 1 when it is free, and taken.
static long try_port(__u64 unused, struct search* search) {
    const struct edgefw_inside* there;
    struct edgefw_inside owner;

    (void)unused;
    search->key.local_port = bpf_htons(search->first + search->at * search->step);
    search->at = search->at + 1 < search->places ? search->at + 1 : 0;
    there = bpf_map_lookup_elem(&publics4, &search->key);
    if (there) {
        owner = *there;
        if (!is_same_end(&owner, &search->inside) && is_taken(&search->key, &owner)) return 0;
        bpf_map_delete_elem(&publics4, &search->key);
    }
    if (bpf_map_update_elem(&public_openings4, &search->key, &search->inside, BPF_NOEXIST) == 0) {
        search->found = true;
        return 1;
    }
    there = bpf_map_lookup_elem(&public_openings4, &search->key);
    if (there) {
        owner = *there;
        if (!is_same_end(&owner, &search->inside) && is_taken(&search->key, &owner)) return 0;
    }
    search->found = bpf_map_update_elem(&public_openings4, &search->key, &search->inside, BPF_ANY) == 0;
    return search->found;
}

// Gives the opener its public end, by the masquerade that was found. False: there is none left. A global function: once
// a connection.
__noinline int allocate(const struct flow* flow, struct translation* translation) {
    struct search search = {.step = 1, .places = 1};
    const struct edgefw_masquerade* entry;
    __u32 index, port, tries;

    if (!flow || !translation) return false;
    index = translation->masquerade - 1;
    entry = bpf_map_lookup_elem(&masquerades, &index);
    if (!entry) return false;
    translation->nat = entry->slot;  // also where it has no port left
    port = bpf_ntohs(flow->key4.local_port);
    search.key = flow->key4;
    search.key.local = entry->public_address;
    search.inside = (struct edgefw_inside){flow->key4.local, flow->key4.local_port, entry->slot};
    // What has no port keeps none: one connection a remote end.
    if (flow->has_ports || flow->protocol == IPPROTO_ICMP) {
        const bool parity = entry->keeps_parity && flow->protocol == IPPROTO_UDP;

        search.first = parity ? entry->first + ((entry->first ^ port) & 1) : entry->first;
        search.step = parity ? 2 : 1;
        if (search.first > entry->last) return false;
        search.places = (entry->last - search.first) / search.step + 1;
        if (search.first <= port && port <= entry->last)
            search.at = (port - search.first) / search.step;
        else
            search.at = ((flow->key4.local * 0x9e3779b1u ^ port * 0x85ebca6bu) >> 8) % search.places;
    }
    tries = search.places < EDGEFW_MAX_PORT_TRIES ? search.places : EDGEFW_MAX_PORT_TRIES;
    bpf_loop(tries, try_port, &search, 0);
    if (!search.found) return false;
    translation->public_address = search.key.local;
    translation->public_port = search.key.local_port;
    return true;
}

// The key of a masqueraded connection as it is outside, and where it is inside.
static __always_inline struct edgefw_connection4_key public_key(const struct flow* flow,
                                                                const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = flow->key4;

    key.local = connection->public_address;
    key.local_port = connection->public_port;
    return key;
}

static __always_inline struct edgefw_inside inside_of(const struct flow* flow,
                                                      const struct edgefw_connection* connection) {
    return (struct edgefw_inside){flow->key4.local, flow->key4.local_port, connection->nat};
}

static __always_inline bool is_masqueraded(const struct flow* flow, const struct edgefw_connection* connection) {
    return config.masquerades && flow->family == EDGEFW_IPV4 && connection->masqueraded;
}

// The table by public end follows the connection as it is confirmed, retired and forgotten.

static __noinline void confirm_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);
    struct edgefw_inside inside = inside_of(flow, connection);

    bpf_map_update_elem(&publics4, &key, &inside, BPF_ANY);
    bpf_map_delete_elem(&public_openings4, &key);
    bpf_map_lookup_elem(&publics4, &key);  // as confirm() does
}

static __noinline void retire_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);
    struct edgefw_inside inside = inside_of(flow, connection);

    bpf_map_update_elem(&public_openings4, &key, &inside, BPF_ANY);
    bpf_map_delete_elem(&publics4, &key);
}

static __noinline void forget_public(const struct flow* flow, const struct edgefw_connection* connection) {
    struct edgefw_connection4_key key = public_key(flow, connection);

    bpf_map_delete_elem(&publics4, &key);
    bpf_map_delete_elem(&public_openings4, &key);
}
