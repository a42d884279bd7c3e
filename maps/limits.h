// SPDX-License-Identifier: GPL-2.0-only
// Every capacity of the data path, one line each with its reason.
#pragma once

#define EDGEFW_MAX_TAGS 2               // 802.1Q and QinQ; a third tag is a shape of its own (reason vlan-depth)
#define EDGEFW_MAX_EXTENSION_HEADERS 8  // IPv6; more is an attack on parsers, not traffic
#define EDGEFW_MAX_GROUPS 8             // trees a rule set is parted into: one for each field that parts rules well
#define EDGEFW_MAX_TREE_DEPTH 64        // levels the data path walks; below, the compiler leaves boxes together
#define EDGEFW_MAX_LEAF_STEPS 160       // tests and matches of a leaf that are walked inline; longer ones by bpf_loop
#define EDGEFW_MAX_LONG_LEAF_STEPS 8388607  // those that bpf_loop walks at most; the compiler keeps below
#define EDGEFW_MAX_FORWARD_CHAIN 4          // forwards in one hash bucket
#define EDGEFW_MAX_MASQUERADES 64           // pairs of networks the sources of which are masqueraded: a list, searched
#define EDGEFW_NEAR_PORT_TRIES 32           // public ports tried for one opener, beginning at its own number
#define EDGEFW_SCATTERED_PORT_TRIES 96      // then at random: of 95 % in use 0.95^96 of openers find none, below 1 %
#define EDGEFW_PORT_SEARCH_PAUSE 100        // ms on a processor between two searches of a whole range: each is long
#define EDGEFW_RESERVED_SECONDS 1           // a public end that was given to an opener is its own without a connection
#define EDGEFW_MAX_IPV4_OPTIONS 40          // bytes: the header length field can name no more

// Counter slots. The low ones have fixed meanings, so that a NAT entry's slot fits 16 bits of a connection.
#define EDGEFW_SLOT_NONE 0
#define EDGEFW_SLOT_FIRST_BUILTIN 1
#define EDGEFW_SLOT_FIRST_NAT 32
#define EDGEFW_SLOT_FIRST_RULE 1024
#define EDGEFW_SLOTS_INITIAL 4096  // capacity of a card's first counter map: 96 KiB a CPU; it grows fourfold
#define EDGEFW_SLOTS_MAX 1048576   // rules of all generations in force on one host

#define EDGEFW_CONNECTIONS_DEFAULT 131072  // confirmed connections of TCP, per card and family
#define EDGEFW_DATAGRAMS_DEFAULT 65536     // confirmed ones of all else, likewise
#define EDGEFW_OPENINGS_DEFAULT 65536      // half-open ones, likewise: a flood of a million a second leaves each 65 ms
#define EDGEFW_CONNECTIONS_MIN 16          // of each such table: fewer, and what the LRU sets aside is most of them
#define EDGEFW_CONNECTIONS_MAX 16777216    // likewise; more is a slip of the pen
#define EDGEFW_FRAGMENTS 4096  // datagrams in flight whose first fragment is remembered, per card and family
#define EDGEFW_RECORD_BYTES_DEFAULT 2097152  // the recorder's, for each processor: ten minutes at its rate
#define EDGEFW_RECORD_BYTES_MIN 65536        // fewer, and a burst of a few reasons overwrites itself
#define EDGEFW_RECORD_BYTES_MAX 33554432     // and of all processors of a card together
#define EDGEFW_MAX_HOSTS 64             // host names a policy's rules may name: pairs of them are numbered in advance
#define EDGEFW_MAX_HOST_ADDRESSES 1024  // of one name and family; more is a mistake or an attack
#define EDGEFW_ID_MAX 127               // bytes of a rule id: a Prometheus label and a table column must carry it
