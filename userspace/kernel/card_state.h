// The pinned state of one attached card: its maps, program slots and links.
#pragma once

#include <string>
#include <vector>

#include "maps/card.h"
#include "userspace/base/result.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/host.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {

// The maps a judging program needs of its card.
struct CardMaps {
    Map connections4, connections6, openings4, openings6, publics4, public_openings4, fragments4, fragments6;
    Map counters, reasons;

    // What a packet may leave behind: connections and fragments.
    std::vector<const Map*> tables() const;

    static Result<CardMaps> create(std::uint32_t connections, std::uint32_t slots);
    std::vector<Binding> bindings() const;
};

class CardState {
public:
    // Makes maps and program arrays and pins them under `directory`; no link yet, every slot empty.
    static Result<CardState> create(const std::string& directory, const edgefw_card& card, std::uint32_t connections);
    static Result<CardState> open(const std::string& directory);

    const edgefw_card& card() const { return card_; }
    Result<Ok> write_card(const edgefw_card& card);
    const CardMaps& maps() const { return maps_; }
    const Map& received() const { return received_; }
    const Map& sent() const { return sent_; }
    const std::string& directory() const { return directory_; }

    policy::Side side() const { return static_cast<policy::Side>(card_.side); }
    std::uint32_t generation_in(std::uint32_t slot) const { return card_.slot_generation[slot & 1]; }

    // Makes room for `slots` counters: a further, larger map that later programs count in. What the earlier ones hold
    // stays and is added when counters are read.
    Result<Ok> reserve_counters(std::uint32_t slots);
    // Starts the counters of these slots at zero. Only of slots that no program in force counts in.
    Result<Ok> zero_counters(const std::vector<std::uint32_t>& slots) const;
    // Sums over CPUs and counter maps, slot by slot, up to `slots`.
    Result<std::vector<edgefw_counter>> counters(std::uint32_t slots) const;

    // Loads a judging pair for this card under `generation` (nullptr: passes everything).
    Result<ProgramPair> load(const Generation* generation) const;
    // Puts a pair into a program slot and notes which generation it is of.
    Result<Ok> fill_slot(std::uint32_t slot, const ProgramPair& programs, std::uint32_t generation);
    // The programs that are in a slot.
    Result<ProgramPair> programs_in(std::uint32_t slot) const;

private:
    std::string directory_;
    edgefw_card card_ = {};
    Map card_map_, received_, sent_;
    CardMaps maps_;
    std::vector<Map> older_counters_;
};

}  // namespace edgefw::kernel
