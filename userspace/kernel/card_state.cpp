// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/card_state.h"

#include <linux/bpf.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "maps/counters.h"
#include "maps/limits.h"
#include "userspace/base/memory.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/ring.h"
#include "userspace/kernel/room.h"
#include "userspace/kernel/shadow.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint32_t kGrowth = 4;

Result<Map> create_counters(std::uint32_t slots) {
    std::uint32_t capacity = EDGEFW_SLOTS_INITIAL;
    while (capacity < slots)
        capacity *= kGrowth;
    return create_map("counters", capacity);
}

// Moves each map out of its Result, or returns the first error.
Result<Ok> take(Map& to, Result<Map> from) {
    if (!from) return from.error();
    to = std::move(*from);
    return Ok{};
}

using ByFamily = std::uint32_t[EDGEFW_FAMILIES];

// One row of kernel/registry.h.
struct CardTable {
    const char* name;
    const char* older;  // the table that connections come over from; nullptr: they hold none
    const char* shown;
    Map CardMaps::*map;
    Family family;
    ByFamily policy::Capacity::*capacity;  // nullptr: as declared
};

#define EDGEFW_TABLE(name, shown, family, capacity) \
    {#name, "older_" #name, shown, &CardMaps::name, Family::family, &policy::Capacity::capacity},
#define EDGEFW_FIXED_TABLE(name, shown) {#name, nullptr, shown, &CardMaps::name, Family::kIpv4, nullptr},
constexpr CardTable kTables[] = {EDGEFW_CONNECTION_TABLES(EDGEFW_TABLE) EDGEFW_PACKET_TABLES(EDGEFW_FIXED_TABLE)};
#undef EDGEFW_TABLE
#undef EDGEFW_FIXED_TABLE
constexpr std::size_t kConnectionTables = EDGEFW_TABLES;

// As `capacity` says, or as it is declared.
Result<MapSpec> sized(const CardTable& table, const policy::Capacity& capacity) {
    auto spec = spec_of(table.name);
    if (spec && table.capacity != nullptr)
        spec->max_entries = (capacity.*table.capacity)[static_cast<int>(table.family)];
    return spec;
}

Result<Map> create_table(const CardTable& table, const policy::Capacity& capacity) {
    const auto spec = sized(table, capacity);
    if (!spec) return spec.error();
    return Map::create(*spec);
}

Result<Ok> check_room_for(const std::vector<CardTable>& tables, const policy::Capacity& capacity) {
    std::uint64_t needed = 0;
    for (const CardTable& table : tables) {
        const auto spec = sized(table, capacity);
        if (!spec) return spec.error();
        needed += lru_bytes(spec->key_size, spec->value_size, spec->max_entries);
    }
    return check_room(needed, available_memory());
}

std::string table_pin(const CardTable& table, std::uint32_t number) {
    return table.older == nullptr ? table.name : std::string(table.name) + "_" + std::to_string(number);
}

std::string counters_name(std::uint32_t index) {
    return "counters_" + std::to_string(index);
}

}  // namespace

policy::Capacity capacity_of(std::uint32_t connections) {
    policy::Capacity capacity;
    capacity.record_bytes = 0;
    std::fill(std::begin(capacity.confirmed), std::end(capacity.confirmed), connections);
    std::fill(std::begin(capacity.datagrams), std::end(capacity.datagrams),
              std::min<std::uint32_t>(connections, EDGEFW_DATAGRAMS_DEFAULT));
    std::fill(std::begin(capacity.half_open), std::end(capacity.half_open),
              std::min<std::uint32_t>(connections, EDGEFW_OPENINGS_DEFAULT));
    return capacity;
}

Result<CardMaps> CardMaps::create(const policy::Capacity& capacity, std::uint32_t slots, std::uint32_t most) {
    CardMaps maps;
    if (auto fits = check_room_for({std::begin(kTables), std::end(kTables)}, capacity); !fits) return fits.error();
    for (const CardTable& table : kTables) {
        auto spec = sized(table, capacity);
        if (!spec) return spec.error();
        if (table.capacity == nullptr) spec->max_entries = std::min(spec->max_entries, most);
        if (auto made = take(maps.*table.map, Map::create(*spec)); !made) return made.error();
    }
    if (auto made = take(maps.reasons, create_map("reasons")); !made) return made.error();
    if (auto made = take(maps.table_counters, create_map("table_counters")); !made) return made.error();
    if (auto made = take(maps.counters, create_counters(slots)); !made) return made.error();
    if (auto made = take(maps.drops, create_ring(capacity.record_bytes)); !made) return made.error();
    if (auto made = take(maps.drop_recorders, create_map("drop_recorders")); !made) return made.error();
    if (auto made = take(maps.drop_buckets, create_map("drop_buckets")); !made) return made.error();
    return maps;
}

std::vector<Binding> CardMaps::bindings() const {
#define EDGEFW_BINDING(name) {#name, name.fd()},
    std::vector<Binding> bindings = {EDGEFW_COUNTER_MAPS(EDGEFW_BINDING) EDGEFW_RECORDER_MAPS(EDGEFW_BINDING)};
#undef EDGEFW_BINDING
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

std::vector<std::pair<const char*, const Map*>> CardMaps::shown_tables() const {
    std::vector<std::pair<const char*, const Map*>> shown;
    for (const CardTable& table : kTables) {
        if (table.older == nullptr && table.shown != nullptr) shown.emplace_back(table.shown, &(this->*table.map));
    }
    return shown;
}

policy::Capacity CardMaps::capacity() const {
    policy::Capacity capacity;
    capacity.record_bytes = 0;
    for (const CardTable& table : kTables) {
        if (table.capacity == nullptr) continue;
        (capacity.*table.capacity)[static_cast<int>(table.family)] = (this->*table.map).max_entries();
    }
    return capacity;
}

std::uint32_t CardMaps::records() const {
    return records_of(drops);
}

Result<CardState> CardState::create(const std::string& directory, const edgefw_card& card,
                                    const policy::Capacity& capacity) {
    CardState state;
    state.directory_ = directory;
    auto maps = CardMaps::create(capacity, EDGEFW_SLOTS_INITIAL);
    if (!maps) return maps.error();
    state.maps_ = std::move(*maps);
    const MapSpec programs = {"programs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, EDGEFW_BANKS};
    const MapSpec info = {"card", BPF_MAP_TYPE_ARRAY, 4, sizeof(edgefw_card), 1};
    if (auto made = take(state.received_, Map::create(programs)); !made) return made.error();
    if (auto made = take(state.sent_, Map::create(programs)); !made) return made.error();
    if (auto made = take(state.card_map_, Map::create(info)); !made) return made.error();
    edgefw_card described = card;
    described.counter_maps = 1;
    std::fill(std::begin(described.bank_tables), std::end(described.bank_tables), state.tables_);
    std::fill(std::begin(described.bank_drops), std::end(described.bank_drops), state.ring_);
    if (auto wrote = state.write_card(described); !wrote) return wrote.error();
    if (auto made = make_directory(directory); !made) return made.error();
    const std::pair<const char*, const Map*> pins[] = {
        {"card", &state.card_map_},
        {"received", &state.received_},
        {"sent", &state.sent_},
        {"reasons", &state.maps_.reasons},
        {"counters_0", &state.maps_.counters},
        {"table_counters", &state.maps_.table_counters},
        {"drop_buckets", &state.maps_.drop_buckets},
        {"drops_1", &state.maps_.drops},
        {"drop_recorders_1", &state.maps_.drop_recorders},
    };
    for (const auto& [name, map] : pins) {
        if (auto pinned = map->pin(directory + "/" + name); !pinned) return pinned.error();
    }
    for (const CardTable& table : kTables) {
        auto pinned = (state.maps_.*table.map).pin(directory + "/" + table_pin(table, state.tables_));
        if (!pinned) return pinned.error();
    }
    return state;
}

Result<edgefw_card> read_any_card(const std::string& directory) {
    constexpr std::size_t kOfAllVersions = offsetof(edgefw_card, bank_generation);
    auto map = Map::open_pinned(directory + "/card");
    if (!map) return map.error();
    std::vector<std::uint8_t> bytes(std::max<std::size_t>(map->value_size(), sizeof(edgefw_card)));
    const std::uint32_t index = 0;
    if (auto done = map->read(&index, bytes.data()); !done) return done.error();
    edgefw_card card = {};
    std::memcpy(&card, bytes.data(), kOfAllVersions);
    if (card.abi != EDGEFW_ABI_VERSION || map->value_size() != sizeof(card)) return card;
    std::memcpy(&card, bytes.data(), sizeof(card));
    return card;
}

Result<edgefw_card> read_card(const std::string& directory) {
    auto card = read_any_card(directory);
    if (!card || card->abi == EDGEFW_ABI_VERSION) return card;
    const std::string interface = interface_name(static_cast<int>(card->ifindex));
    return failed(interface + " was attached by another version of edgefw (ABI " + std::to_string(card->abi) +
                  ", this one has " + std::to_string(EDGEFW_ABI_VERSION) +
                  "); `edgefw push --upgrade POLICY` takes it over, `edgefw detach " + interface + "` lets it go");
}

// A push may take the pins of older tables away between the look at which there are and their opening: then the card
// says something else now.
Result<CardState> CardState::open(const std::string& directory, std::uint32_t bank) {
    constexpr int kLooks = 5;
    Result<CardState> state = failed("the tables of a card change too fast to be read; try again");
    for (int i = 0; i < kLooks; i++) {
        auto before = read_card(directory);
        if (!before) return before.error();
        state = open_once(directory, bank);
        if (state) return state;
        auto after = read_card(directory);
        if (!after) return after.error();
        if (std::memcmp(&*before, &*after, sizeof(edgefw_card)) == 0) return state;
    }
    return state;
}

Result<CardState> CardState::open_once(const std::string& directory, std::uint32_t bank) {
    CardState state;
    state.directory_ = directory;
    auto opened = [&](Map& map, const std::string& name) {
        return take(map, Map::open_pinned(directory + "/" + name));
    };
    if (auto done = opened(state.card_map_, "card"); !done) return done.error();
    auto card = read_card(directory);
    if (!card) return card.error();
    state.card_ = *card;
    state.tables_ = card->bank_tables[bank % EDGEFW_BANKS];
    state.older_tables_ = card->bank_older[bank % EDGEFW_BANKS];
    // A card may be renamed while it is attached.
    const std::string name = interface_name(static_cast<int>(card->ifindex));
    if (!name.empty()) {
        std::fill(std::begin(state.card_.interface), std::end(state.card_.interface), '\0');
        name.copy(state.card_.interface, sizeof(state.card_.interface) - 1);
    }
    state.ring_ = card->bank_drops[bank % EDGEFW_BANKS];
    const std::pair<std::string, Map*> pins[] = {
        {"received", &state.received_},
        {"sent", &state.sent_},
        {"reasons", &state.maps_.reasons},
        {"table_counters", &state.maps_.table_counters},
        {"drop_buckets", &state.maps_.drop_buckets},
        {ring_pin(state.ring_), &state.maps_.drops},
        {recorders_pin(state.ring_), &state.maps_.drop_recorders},
    };
    for (const auto& [pin, map] : pins) {
        if (auto done = opened(*map, pin); !done) return done.error();
    }
    for (const CardTable& table : kTables) {
        Map& map = state.maps_.*table.map;
        if (auto done = opened(map, table_pin(table, state.tables_)); !done) return done.error();
        if (state.older_tables_ == 0 || table.older == nullptr) continue;
        Map& older = state.older_.emplace_back();
        if (auto done = opened(older, table_pin(table, state.older_tables_)); !done) return done.error();
        if (older.id() == map.id()) older = Map();
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

std::vector<ConnectionTable> CardState::connection_tables() const {
    std::vector<ConnectionTable> tables;
    for (std::size_t i = 0; i < kConnectionTables; i++) {
        const CardTable& table = kTables[i];
        const bool has_older = i < older_.size() && older_[i].fd() >= 0;
        tables.push_back({table.shown, table.family, static_cast<edgefw_table>(i / EDGEFW_FAMILIES),
                          &(maps_.*table.map), has_older ? &older_[i] : nullptr});
    }
    return tables;
}

Result<std::vector<Map>> CardMaps::resize(const policy::Capacity& capacity) {
    const auto is_other = [&](const CardTable& table) {
        const std::uint32_t entries = (capacity.*table.capacity)[static_cast<int>(table.family)];
        return (this->*table.map).max_entries() != entries;
    };
    std::vector<CardTable> others;
    std::copy_if(kTables, kTables + kConnectionTables, std::back_inserter(others), is_other);
    if (auto fits = check_room_for(others, capacity); !fits) return fits.error();
    std::vector<Map> tables(kConnectionTables);
    for (std::size_t i = 0; i < kConnectionTables; i++) {
        if (!is_other(kTables[i])) continue;
        if (auto made = take(tables[i], create_table(kTables[i], capacity)); !made) return made.error();
    }
    for (std::size_t i = 0; i < kConnectionTables; i++) {
        if (tables[i].fd() >= 0) std::swap(this->*kTables[i].map, tables[i]);
    }
    return tables;
}

std::vector<Binding> older_bindings(const std::vector<Map>& older) {
    std::vector<Binding> bindings;
    for (std::size_t i = 0; i < older.size(); i++) {
        if (older[i].fd() >= 0) bindings.push_back({kTables[i].older, older[i].fd()});
    }
    return bindings;
}

Result<Ok> CardState::resize(const policy::Capacity& room) {
    if (auto resized = resize_ring(room.record_bytes); !resized) return resized.error();
    policy::Capacity capacity = room;
    capacity.record_bytes = 0;
    if (capacity == maps_.capacity()) return Ok{};
    auto older = maps_.resize(capacity);
    if (!older) return older.error();
    older_ = std::move(*older);
    older_tables_ = std::exchange(tables_, tables_ + 1);
    for (std::size_t i = 0; i < kConnectionTables; i++) {
        auto pinned = (maps_.*kTables[i].map).pin(directory_ + "/" + table_pin(kTables[i], tables_));
        if (!pinned) return pinned.error();
    }
    return Ok{};
}

void CardState::forget_older() {
    older_.clear();
    older_tables_ = 0;
}

void CardState::unpin_unused_tables(std::uint32_t bank) const {
    const std::uint32_t ring = card_.bank_drops[bank % EDGEFW_BANKS];
    for (const std::uint32_t number : {ring - 1, ring + 1}) {
        unlink((directory_ + "/" + ring_pin(number)).c_str());
        unlink((directory_ + "/" + recorders_pin(number)).c_str());
    }
    const std::uint32_t used = card_.bank_tables[bank % EDGEFW_BANKS], older = card_.bank_older[bank % EDGEFW_BANKS];
    // Numbers follow each other: a push that was killed leaves the next one, or the one before.
    for (const std::uint32_t number : {used - 1, used + 1}) {
        if (number == older) continue;
        for (std::size_t i = 0; i < kConnectionTables; i++)
            unlink((directory_ + "/" + table_pin(kTables[i], number)).c_str());
    }
}

Result<std::vector<edgefw_table_counter>> CardState::table_counters() const {
    std::vector<edgefw_table_counter> sums(EDGEFW_TABLES);
    auto read =
        maps_.table_counters.read_all(EDGEFW_TABLE_COUNTERS, [&](std::uint32_t index, const std::uint8_t* values) {
            edgefw_table_counter& sum = sums[index % EDGEFW_TABLES];
            for (int cpu = 0; cpu < cpus(); cpu++) {
                edgefw_table_counter counter = {};
                std::memcpy(&counter, values + static_cast<std::size_t>(cpu) * sizeof(counter), sizeof(counter));
                sum.inserted += counter.inserted;
                sum.removed += counter.removed;
                sum.refused += counter.refused;
            }
        });
    if (!read) return read.error();
    return sums;
}

Result<Ok> CardState::count_removed(const ConnectionTable& table, std::uint64_t removed) const {
    if (removed == 0) return Ok{};
    const std::uint32_t index = EDGEFW_TABLES + table.index();
    std::vector<edgefw_table_counter> values(static_cast<std::size_t>(cpus()));
    if (auto read = maps_.table_counters.read(&index, values.data()); !read) return read.error();
    values.front().removed += removed;
    return maps_.table_counters.write(&index, values.data());
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

Result<ProgramPair> CardState::load_entry(const ActiveMaps& active) const {
    std::vector<Binding> bindings = active.bindings();
    bindings.insert(bindings.end(),
                    {{"received", received_.fd()}, {"sent", sent_.fd()}, {"reasons", maps_.reasons.fd()}});
    return kernel::load_entry(bindings, received_at());
}

Result<ProgramPair> CardState::load(const Generation* generation) const {
    edgefw_config config = config_without_policy(side());
    std::vector<Binding> bindings = maps_.bindings();
    if (generation != nullptr) {
        auto configured = generation->config(side());
        if (!configured) return configured.error();
        config = *configured;
        const auto rules = generation->bindings();
        bindings.insert(bindings.end(), rules.begin(), rules.end());
    }
    const auto older = older_bindings(older_);
    bindings.insert(bindings.end(), older.begin(), older.end());
    ShadowMaps shadow;
    if (config.shadow != 0) {
        // Without them nobody answers, and the card judges as it would without a shadow.
        if (auto opened = ShadowMaps::open(directory_, config.shadow)) {
            shadow = std::move(*opened);
            const auto asked = shadow.bindings();
            bindings.insert(bindings.end(), asked.begin(), asked.end());
        }
    }
    config.side = card_.side;
    auto variant = this->variant(generation != nullptr);
    if (!variant) return variant.error();
    return load_judge(specialised(config, *variant), bindings, received_at());
}

// `armed`: under a policy.
Result<Variant> CardState::variant(bool armed) const {
    auto interface = find_interface(card_.interface);
    if (!interface) return interface.error();
    Variant variant;
    if (!interface->is_ethernet()) variant.link_layer = EDGEFW_NO_LINK;
    // An skb says itself what its checksum is.
    variant.partial_checksums = received_at() == ReceivedAt::kXdp &&
                                (hands_up_partial_checksums(card_.interface) || card_.xdp_mode == EDGEFW_XDP_GENERIC);
    variant.comes_over = comes_over();
    variant.records = maps_.records();
    variant.adopts_until = armed ? card_.adopts_until : 0;
    return variant;
}

void CardState::note_adoption(std::uint32_t seconds, bool is_first) {
    if (seconds == 0)
        card_.adopts_until = 0;
    else if (is_first)
        card_.adopts_until = uptime() + seconds;
}

Result<Ok> CardState::fill_bank(std::uint32_t bank, const ProgramPair& programs, std::uint32_t generation) {
    const std::uint32_t index = bank % EDGEFW_BANKS;
    const int received = programs.received.get(), sent = programs.sent.get();
    if (auto wrote = received_.write(&index, &received); !wrote) return wrote.error();
    if (auto wrote = sent_.write(&index, &sent); !wrote) return wrote.error();
    edgefw_card card = card_;
    card.bank_generation[index] = generation;
    card.bank_tables[index] = tables_;
    card.bank_older[index] = older_tables_;
    card.bank_drops[index] = ring_;
    return write_card(card);
}

Result<ProgramPair> CardState::programs_in(std::uint32_t bank) const {
    const std::uint32_t index = bank % EDGEFW_BANKS;
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
