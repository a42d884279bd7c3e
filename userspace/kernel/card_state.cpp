#include "userspace/kernel/card_state.h"

#include <linux/bpf.h>

#include <algorithm>

#include "maps/connection.h"
#include "maps/counters.h"
#include "maps/fragment.h"
#include "maps/limits.h"
#include "userspace/kernel/netlink.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint32_t kGrowth = 4;

Result<Map> create_counters(std::uint32_t slots) {
    std::uint32_t capacity = EDGEFW_SLOTS_INITIAL;
    while (capacity < slots)
        capacity *= kGrowth;
    return Map::create({"counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(edgefw_counter), capacity});
}

// Moves each map out of its Result, or returns the first error.
Result<Ok> take(Map& to, Result<Map> from) {
    if (!from) return from.error();
    to = std::move(*from);
    return Ok{};
}

// What packets leave behind on a card, by the names that programs and pins have for the maps. The one list of them.
enum class Room { kConnections, kOpenings, kFragments };

struct CardTable {
    const char* name;
    Map CardMaps::*map;
    std::uint32_t key_size, value_size;
    Room room;
};

constexpr std::uint32_t kKey4 = sizeof(edgefw_connection4_key), kKey6 = sizeof(edgefw_connection6_key);
constexpr std::uint32_t kConnection = sizeof(edgefw_connection), kInside = sizeof(edgefw_inside);
constexpr std::uint32_t kFragment = sizeof(edgefw_fragment);
constexpr CardTable kTables[] = {
    {"connections4", &CardMaps::connections4, kKey4, kConnection, Room::kConnections},
    {"connections6", &CardMaps::connections6, kKey6, kConnection, Room::kConnections},
    {"openings4", &CardMaps::openings4, kKey4, kConnection, Room::kOpenings},
    {"openings6", &CardMaps::openings6, kKey6, kConnection, Room::kOpenings},
    {"publics4", &CardMaps::publics4, kKey4, kInside, Room::kConnections},
    {"public_openings4", &CardMaps::public_openings4, kKey4, kInside, Room::kOpenings},
    {"fragments4", &CardMaps::fragments4, sizeof(edgefw_fragment4_key), kFragment, Room::kFragments},
    {"fragments6", &CardMaps::fragments6, sizeof(edgefw_fragment6_key), kFragment, Room::kFragments},
};

std::uint32_t entries_of(Room room, std::uint32_t connections) {
    if (room == Room::kFragments) return EDGEFW_FRAGMENTS;
    return room == Room::kConnections ? connections : std::min<std::uint32_t>(connections, EDGEFW_OPENINGS_DEFAULT);
}

std::string counters_name(std::uint32_t index) {
    return "counters_" + std::to_string(index);
}

}  // namespace

Result<CardMaps> CardMaps::create(std::uint32_t connections, std::uint32_t slots) {
    CardMaps maps;
    for (const CardTable& table : kTables) {
        auto made = take(maps.*table.map, Map::create({table.name, BPF_MAP_TYPE_LRU_HASH, table.key_size,
                                                       table.value_size, entries_of(table.room, connections)}));
        if (!made) return made.error();
    }
    const MapSpec reasons = {"reasons", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(edgefw_reason_counter),
                             EDGEFW_REASON_COUNTERS};
    if (auto made = take(maps.reasons, Map::create(reasons)); !made) return made.error();
    if (auto made = take(maps.counters, create_counters(slots)); !made) return made.error();
    return maps;
}

std::vector<Binding> CardMaps::bindings() const {
    std::vector<Binding> bindings = {{"counters", counters.fd()}, {"reasons", reasons.fd()}};
    for (const CardTable& table : kTables)
        bindings.push_back({table.name, (this->*table.map).fd()});
    return bindings;
}

std::vector<const Map*> CardMaps::tables() const {
    std::vector<const Map*> tables;
    for (const CardTable& table : kTables)
        tables.push_back(&(this->*table.map));
    return tables;
}

Result<CardState> CardState::create(const std::string& directory, const edgefw_card& card, std::uint32_t connections) {
    CardState state;
    state.directory_ = directory;
    auto maps = CardMaps::create(connections, EDGEFW_SLOTS_INITIAL);
    if (!maps) return maps.error();
    state.maps_ = std::move(*maps);
    const MapSpec programs = {"programs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2};
    const MapSpec info = {"card", BPF_MAP_TYPE_ARRAY, 4, sizeof(edgefw_card), 1};
    if (auto made = take(state.received_, Map::create(programs)); !made) return made.error();
    if (auto made = take(state.sent_, Map::create(programs)); !made) return made.error();
    if (auto made = take(state.card_map_, Map::create(info)); !made) return made.error();
    edgefw_card described = card;
    described.counter_maps = 1;
    if (auto wrote = state.write_card(described); !wrote) return wrote.error();
    if (auto made = make_directory(directory); !made) return made.error();
    const std::pair<const char*, const Map*> pins[] = {
        {"card", &state.card_map_},        {"received", &state.received_},        {"sent", &state.sent_},
        {"reasons", &state.maps_.reasons}, {"counters_0", &state.maps_.counters},
    };
    for (const auto& [name, map] : pins) {
        if (auto pinned = map->pin(directory + "/" + name); !pinned) return pinned.error();
    }
    for (const CardTable& table : kTables) {
        auto pinned = (state.maps_.*table.map).pin(directory + "/" + table.name);
        if (!pinned) return pinned.error();
    }
    return state;
}

Result<CardState> CardState::open(const std::string& directory) {
    CardState state;
    state.directory_ = directory;
    auto opened = [&](Map& map, const std::string& name) {
        return take(map, Map::open_pinned(directory + "/" + name));
    };
    if (auto done = opened(state.card_map_, "card"); !done) return done.error();
    auto card = state.card_map_.at<edgefw_card>(0);
    if (!card) return card.error();
    if (card->abi != EDGEFW_ABI_VERSION) {
        return failed("the card was attached by another version of edgefw (ABI " + std::to_string(card->abi) +
                      ", this one has " + std::to_string(EDGEFW_ABI_VERSION) + "); detach it with that one");
    }
    state.card_ = *card;
    // A card may be renamed while it is attached.
    const std::string name = interface_name(static_cast<int>(card->ifindex));
    if (!name.empty()) {
        std::fill(std::begin(state.card_.interface), std::end(state.card_.interface), '\0');
        name.copy(state.card_.interface, sizeof(state.card_.interface) - 1);
    }
    const std::pair<const char*, Map*> pins[] = {
        {"received", &state.received_},
        {"sent", &state.sent_},
        {"reasons", &state.maps_.reasons},
    };
    for (const auto& [pin, map] : pins) {
        if (auto done = opened(*map, pin); !done) return done.error();
    }
    for (const CardTable& table : kTables) {
        if (auto done = opened(state.maps_.*table.map, table.name); !done) return done.error();
    }
    for (std::uint32_t i = 0; i + 1 < card->counter_maps; i++) {
        if (auto done = opened(state.older_counters_.emplace_back(), counters_name(i)); !done) return done.error();
    }
    if (auto done = opened(state.maps_.counters, counters_name(card->counter_maps - 1)); !done) return done.error();
    return state;
}

Result<Ok> CardState::write_card(const edgefw_card& card) {
    if (auto wrote = card_map_.set(0, card); !wrote) return wrote.error();
    card_ = card;
    return Ok{};
}

Result<Ok> CardState::reserve_counters(std::uint32_t slots) {
    if (slots <= maps_.counters.max_entries()) return Ok{};
    if (slots > EDGEFW_SLOTS_MAX) return failed("more rules than edgefw counts: split the policy over several hosts");
    auto larger = create_counters(slots);
    if (!larger) return larger.error();
    const std::string pin = directory_ + "/" + counters_name(card_.counter_maps);
    unlink(pin.c_str());  // of a push that was killed between the pin and the note below
    if (auto pinned = larger->pin(pin); !pinned) return pinned.error();
    edgefw_card card = card_;
    card.counter_maps++;
    if (auto wrote = write_card(card); !wrote) return wrote.error();
    older_counters_.push_back(std::move(maps_.counters));
    maps_.counters = std::move(*larger);
    return Ok{};
}

Result<Ok> CardState::zero_counters(const std::vector<std::uint32_t>& slots) const {
    const std::vector<edgefw_counter> zero(static_cast<std::size_t>(cpus()));
    auto clear = [&](const Map& map) -> Result<Ok> {
        for (const std::uint32_t slot : slots) {
            if (slot >= map.max_entries()) continue;
            if (auto wrote = map.write(&slot, zero.data()); !wrote) return wrote.error();
        }
        return Ok{};
    };
    for (const auto& map : older_counters_) {
        if (auto done = clear(map); !done) return done.error();
    }
    return clear(maps_.counters);
}

Result<std::vector<edgefw_counter>> CardState::counters(std::uint32_t slots) const {
    std::vector<edgefw_counter> sums(slots);
    auto add = [&](const Map& map) -> Result<Ok> {
        return map.read_all(std::min(slots, map.max_entries()), [&](std::uint32_t slot, const std::uint8_t* values) {
            for (int cpu = 0; cpu < cpus(); cpu++) {
                edgefw_counter counter = {};
                std::copy_n(values + static_cast<std::size_t>(cpu) * sizeof(counter), sizeof(counter),
                            reinterpret_cast<std::uint8_t*>(&counter));
                sums[slot].packets += counter.packets;
                sums[slot].bytes += counter.bytes;
                sums[slot].connections += counter.connections;
            }
        });
    };
    for (const auto& map : older_counters_) {
        if (auto done = add(map); !done) return done.error();
    }
    if (auto done = add(maps_.counters); !done) return done.error();
    return sums;
}

Result<ProgramPair> CardState::load(const Generation* generation) const {
    edgefw_config config = {};
    std::vector<Binding> bindings = maps_.bindings();
    if (generation != nullptr) {
        auto configured = generation->config(side());
        if (!configured) return configured.error();
        config = *configured;
        const auto rules = generation->bindings();
        bindings.insert(bindings.end(), rules.begin(), rules.end());
    }
    config.side = card_.side;
    config.partial_checksums = hands_up_partial_checksums(card_.interface) || card_.xdp_mode == EDGEFW_XDP_GENERIC;
    return load_judge(config, bindings);
}

Result<Ok> CardState::fill_slot(std::uint32_t slot, const ProgramPair& programs, std::uint32_t generation) {
    const std::uint32_t index = slot & 1;
    const int received = programs.received.get(), sent = programs.sent.get();
    if (auto wrote = received_.write(&index, &received); !wrote) return wrote.error();
    if (auto wrote = sent_.write(&index, &sent); !wrote) return wrote.error();
    edgefw_card card = card_;
    card.slot_generation[index] = generation;
    return write_card(card);
}

Result<ProgramPair> CardState::programs_in(std::uint32_t slot) const {
    const std::uint32_t index = slot & 1;
    auto open_one = [&](const Map& map) -> Result<Fd> {
        auto id = map.at<std::uint32_t>(index);
        if (!id) return id.error();
        return program_by_id(*id);
    };
    auto received = open_one(received_);
    if (!received) return received.error();
    auto sent = open_one(sent_);
    if (!sent) return sent.error();
    return ProgramPair{std::move(*received), std::move(*sent)};
}

}  // namespace edgefw::kernel
