// SPDX-License-Identifier: GPL-2.0-only
// The maps that the control plane makes: one table says how long each lives, where it is pinned and how large it is. Of
// which kind a map is, its key and its value, say the programs' object files alone (bpf/maps.h). A new map is a struct
// in maps/, its definition in bpf/maps.h, a row here, and a row in maps/README.md, which a test compares.
#pragma once

#include <cstdint>
#include <string>

#include "userspace/base/result.h"
#include "userspace/kernel/map.h"

// What packets leave behind on a card: MAP(name, shown, family, capacity). `name` is that of the map, of its pin and of
// its member in CardMaps; `shown` that in `status`, nullptr: it is not. Tables of connections come first, by
// EDGEFW_TABLE_INDEX: `capacity` is the member of policy::Capacity that sizes them, they are pinned with a number, and
// older_NAME is the table that connections come over from when a push resizes. The others are as large as bpf/maps.h
// says.
#define EDGEFW_CONNECTION_TABLES(MAP)                       \
    MAP(connections4, "connections-ipv4", kIpv4, confirmed) \
    MAP(connections6, "connections-ipv6", kIpv6, confirmed) \
    MAP(datagrams4, "datagrams-ipv4", kIpv4, datagrams)     \
    MAP(datagrams6, "datagrams-ipv6", kIpv6, datagrams)     \
    MAP(openings4, "openings-ipv4", kIpv4, half_open)       \
    MAP(openings6, "openings-ipv6", kIpv6, half_open)
#define EDGEFW_PACKET_TABLES(MAP)                   \
    MAP(publics4, "publics-ipv4")                   \
    MAP(public_datagrams4, "public-datagrams-ipv4") \
    MAP(public_openings4, "public-openings-ipv4")   \
    MAP(fragments4, "fragments-ipv4")               \
    MAP(fragments6, "fragments-ipv6")               \
    MAP(dhcp_xids, nullptr)

// What counts on a card, pinned by its name; counters, which grow by slots, with a number.
#define EDGEFW_COUNTER_MAPS(MAP) \
    MAP(reasons)                 \
    MAP(table_counters)          \
    MAP(counters)

// The recorder of a card (maps/record.h). drops and drop_recorders are pinned with a number: a push that makes the ring
// another size makes both anew.
#define EDGEFW_RECORDER_MAPS(MAP) \
    MAP(drops)                    \
    MAP(drop_recorders)           \
    MAP(drop_buckets)

// The shadow of a card, while it has one; pinned with the shadow's number.
#define EDGEFW_SHADOW_MAPS(MAP) \
    MAP(shadow_question)        \
    MAP(shadow_received)        \
    MAP(shadow_sent)            \
    MAP(shadow_differences)     \
    MAP(shadow_totals)

// What a generation consists of, pinned by its name: MAP(part, name). The image sizes all of them.
#define EDGEFW_GENERATION_MAPS(MAP) \
    MAP(kConfig, config)            \
    MAP(kNodes, nodes)              \
    MAP(kInsns, insns)              \
    MAP(kClassHash4, class_hash4)   \
    MAP(kClassHash6, class_hash6)   \
    MAP(kClassTrie4, class_trie4)   \
    MAP(kClassTrie6, class_trie6)   \
    MAP(kForwardsIn, forwards_in)   \
    MAP(kForwardsOut, forwards_out) \
    MAP(kMasquerades, masquerades)  \
    MAP(kDocument, document)        \
    MAP(kListing, listing)          \
    MAP(kSummary, summary)          \
    MAP(kHosts, hosts)              \
    MAP(kSources, sources)

namespace edgefw::kernel {

// Type, key, value and flags of a map of the judging programs, with as many entries as it is declared with. Fails
// (kFailed) where they have no such map.
Result<MapSpec> spec_of(const char* name);
// With so many entries, at least one.
Result<Map> create_map(const char* name, std::size_t entries);
// With as many as it is declared with.
Result<Map> create_map(const char* name);

}  // namespace edgefw::kernel
