// SPDX-License-Identifier: GPL-2.0-only
// The pinned state of one attached card: its maps, banks and links.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "maps/card.h"
#include "maps/counters.h"
#include "userspace/base/result.h"
#include "userspace/kernel/active.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"
#include "userspace/kernel/registry.h"
#include "userspace/kernel/types.h"
#include "userspace/kernel/variant.h"

namespace edgefw::kernel {

// The maps a judging program needs of its card.
struct CardMaps {
#define EDGEFW_MEMBER(name, ...) Map name;
    EDGEFW_CONNECTION_TABLES(EDGEFW_MEMBER)
    EDGEFW_PACKET_TABLES(EDGEFW_MEMBER)
    EDGEFW_COUNTER_MAPS(EDGEFW_MEMBER)
    EDGEFW_RECORDER_MAPS(EDGEFW_MEMBER)
#undef EDGEFW_MEMBER

    // What a packet may leave behind: connections, fragments, what was asked by DHCP.
    std::vector<const Map*> tables() const;
    // Those of them that hold no connections and are shown, by the name that `status` has for them.
    std::vector<std::pair<const char*, const Map*>> shown_tables() const;

    // `most`: entries of each table of what a packet leaves behind beside connections; fewer than declared where nobody
    // but one caller sends packets.
    static Result<CardMaps> create(const policy::Capacity& capacity, std::uint32_t slots,
                                   std::uint32_t most = UINT32_MAX);
    std::vector<Binding> bindings() const;
    // Of the tables of connections; record_bytes is 0.
    policy::Capacity capacity() const;
    // The ring's records of each processor.
    std::uint32_t records() const;
    // Tables of connections of these sizes take the place of those of other sizes. Returns the ones they replace, by
    // EDGEFW_TABLE_INDEX: one without a descriptor where the size is the same. Nothing is changed when it fails.
    Result<std::vector<Map>> resize(const policy::Capacity& capacity);
};

// For programs to whose tables connections come over from `older`, as CardMaps::resize() returned them.
std::vector<Binding> older_bindings(const std::vector<Map>& older);

// As many confirmed connections of TCP of each family, as many of all else, EDGEFW_DATAGRAMS_DEFAULT at most, and as
// many half-open ones, EDGEFW_OPENINGS_DEFAULT at most.
policy::Capacity capacity_of(std::uint32_t connections);

// One table of connections of a card.
struct ConnectionTable {
    const char* name;  // "connections-ipv4"
    Family family;
    edgefw_table table;
    const Map* map;
    const Map* older;  // connections still come over from here; nullptr: none do

    bool half_open() const { return table == EDGEFW_TABLE_OPENINGS; }
    std::uint32_t index() const {
        return EDGEFW_TABLE_INDEX(static_cast<std::uint32_t>(table), static_cast<std::uint32_t>(family));
    }
};

inline ReceivedAt received_at(const edgefw_card& card) {
    return card.xdp_mode == EDGEFW_XDP_NONE ? ReceivedAt::kTcIngress : ReceivedAt::kXdp;
}

class CardState {
public:
    // Makes maps and program arrays and pins them under `directory`; no link yet, every bank empty.
    static Result<CardState> create(const std::string& directory, const edgefw_card& card,
                                    const policy::Capacity& capacity);
    // With the tables of connections that the programs in `bank` use.
    static Result<CardState> open(const std::string& directory, std::uint32_t bank);

    const edgefw_card& card() const { return card_; }
    Result<Ok> write_card(const edgefw_card& card);
    const CardMaps& maps() const { return maps_; }
    const Map& received() const { return received_; }
    const Map& sent() const { return sent_; }
    const std::string& directory() const { return directory_; }

    policy::Side side() const { return static_cast<policy::Side>(card_.side); }
    ReceivedAt received_at() const { return kernel::received_at(card_); }
    std::uint32_t generation_in(std::uint32_t bank) const { return card_.bank_generation[bank % EDGEFW_BANKS]; }

    // Makes room for `slots` counters: a further, larger map that later programs count in. What the earlier ones hold
    // stays and is added when counters are read.
    Result<Ok> reserve_counters(std::uint32_t slots);
    // Starts the counters of these slots at zero. Only of slots that no program in force counts in.
    Result<Ok> zero_counters(const std::vector<std::uint32_t>& slots) const;
    // Sums over CPUs and counter maps, slot by slot, up to `slots`.
    Result<std::vector<edgefw_counter>> counters(std::uint32_t slots) const;

    std::vector<ConnectionTable> connection_tables() const;
    // Makes and pins tables of connections of these sizes for the programs that are loaded next, where they have others
    // now. What is in those of today comes over: kernel/resize.h.
    Result<Ok> resize(const policy::Capacity& capacity);
    // Copies what the ring of before has into a ring that resize() has made, the newest records of each processor.
    // Before the programs that write it are in force.
    Result<Ok> bring_records() const;
    // Frames on the wire that records count, by index of their reason's counter.
    Result<std::vector<std::uint64_t>> recorded() const;
    // Whether connections still come over from older tables.
    bool comes_over() const { return older_tables_ != 0; }
    // For the programs that are loaded next nothing comes over any more.
    void forget_older();
    // Takes pins of tables away that the programs in `bank` do not use. Needs the lock.
    void unpin_unused_tables(std::uint32_t bank) const;
    // What came into each table and went out of it, by EDGEFW_TABLE_INDEX; over all sizes the tables had.
    Result<std::vector<edgefw_table_counter>> table_counters() const;
    // Adds connections that the control plane has taken out of a table. Needs the lock.
    Result<Ok> count_removed(const ConnectionTable& table, std::uint64_t removed) const;

    // Loads the entry pair of this card, which reads the one word.
    Result<ProgramPair> load_entry(const ActiveMaps& active) const;
    // Loads a judging pair for this card under `generation` (nullptr: passes everything).
    Result<ProgramPair> load(const Generation* generation) const;
    // A policy is about to be loaded that adopts connections for `seconds` after the first push (0: not at all). The
    // first one sets the end, later ones keep it. Written with the next fill_bank().
    void note_adoption(std::uint32_t seconds, bool is_first);
    // Puts a pair into a bank and notes which generation it is of.
    Result<Ok> fill_bank(std::uint32_t bank, const ProgramPair& programs, std::uint32_t generation);
    // The programs that are in a bank.
    Result<ProgramPair> programs_in(std::uint32_t bank) const;

    // What its programs are specialised by; `armed`: under a policy.
    Result<Variant> variant(bool armed) const;

private:
    Result<Ok> resize_ring(std::uint32_t bytes);
    static Result<CardState> open_once(const std::string& directory, std::uint32_t bank);

    std::string directory_;
    edgefw_card card_ = {};
    Map card_map_, received_, sent_;
    CardMaps maps_;
    std::vector<Map> older_counters_;
    std::uint32_t tables_ = 1;        // pinned as connections4_N, ...
    std::uint32_t older_tables_ = 0;  // 0: none
    std::vector<Map> older_;          // by table, one without a descriptor where it is the same as now
    std::uint32_t ring_ = 1;          // pinned as drops_N
    Map older_ring_;                  // without a descriptor: the ring is the one of before
    Map older_recorders_;
};

// What is pinned about a card. Fails where another version of edgefw attached it.
Result<edgefw_card> read_card(const std::string& directory);
// The same of a card of any version: of another one, what all versions say alike (maps/card.h), the rest is 0.
Result<edgefw_card> read_any_card(const std::string& directory);

}  // namespace edgefw::kernel
