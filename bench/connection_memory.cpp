// SPDX-License-Identifier: GPL-2.0-only
#include "bench/connection_memory.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "bench/connection_kind.h"
#include "bench/instance.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kSeed = 20090;        // any: the same keys in every run
constexpr std::uint32_t kReferenceBytes = 8;  // of a key, and of a value: a multiple of what the kernel rounds to

struct MapFacts {
    bpf_map_info info = {};
    std::uint64_t memory = 0;
    std::uint32_t asked() const { return info.key_size + info.value_size; }
};

Result<MapFacts> facts_of(int map) {
    MapFacts facts;
    __u32 size = sizeof(facts.info);
    if (bpf_map_get_info_by_fd(map, &facts.info, &size) != 0) return failed("the kernel does not describe a map");
    auto memory = memory_of(map);
    if (!memory) return memory.error();
    facts.memory = *memory;
    return facts;
}

// What the kernel takes for an entry of a table of that many, beyond its key and value.
Result<double> overhead_of(const MapFacts& like) {
    auto reference =
        kernel::Map::create({"reference", like.info.type, kReferenceBytes, kReferenceBytes, like.info.max_entries});
    if (!reference) return reference.error();
    auto memory = memory_of(reference->fd());
    if (!memory) return memory.error();
    return static_cast<double>(*memory) / like.info.max_entries - 2 * kReferenceBytes;
}

Result<Ok> fill_half(const kernel::Map& map, const MapFacts& facts) {
    const std::uint32_t count = facts.info.max_entries / 2;
    std::mt19937 random(kSeed);
    std::vector<std::uint8_t> keys(std::size_t{count} * facts.info.key_size);
    std::vector<std::uint8_t> values(std::size_t{count} * facts.info.value_size);
    std::generate(keys.begin(), keys.end(), [&random] { return static_cast<std::uint8_t>(random()); });
    return map.write_batch(keys.data(), values.data(), count);
}

// The tables that hold something.
std::vector<const kernel::Map*> tables_in_use(const Instance& instance) {
    std::vector<const kernel::Map*> used;
    for (const kernel::Map* table : instance.tables()) {
        if (table->count() > 0) used.push_back(table);
    }
    return used;
}

Result<Ok> add_table(const kernel::Map& table, ConnectionMemory& memory) {
    auto facts = facts_of(table.fd());
    if (!facts) return facts.error();
    auto overhead = overhead_of(*facts);
    if (!overhead) return overhead.error();
    memory.tables += (memory.tables.empty() ? "" : ", ") + std::string(facts->info.name);
    memory.asked += facts->asked();
    memory.taken += static_cast<double>(facts->memory) / facts->info.max_entries;
    memory.overhead += *overhead;
    memory.empty += facts->memory;
    if (auto filled = fill_half(table, *facts); !filled) return filled;
    auto after = memory_of(table.fd());
    if (!after) return after.error();
    memory.filled += *after;
    return Ok{};
}

Result<ConnectionMemory> memory_of_kind(const ConnectionKind& kind) {
    ConnectionMemory memory;
    memory.name = kind.name;
    memory.target = kind.bytes_target;
    auto instance = Instance::load(kind.policy);
    if (!instance) return instance.error();
    auto answer = answer_of(kind, *instance);
    if (!answer) return answer.error();
    for (const kernel::Map* table : tables_in_use(*instance)) {
        auto facts = facts_of(table->fd());
        if (!facts) return facts.error();
        memory.half_open += facts->asked();
    }
    for (const auto& packet : {*answer, kind.confirmation}) {
        if (auto passed = instance->pass(packet); !passed) return passed.error();
    }
    const auto tables = tables_in_use(*instance);
    if (memory.half_open == 0 || tables.empty()) return failed(kind.name + ": no table holds its connection");
    for (const kernel::Map* table : tables) {
        if (auto added = add_table(*table, memory); !added) return added.error();
    }
    return memory;
}

}  // namespace

Result<std::vector<ConnectionMemory>> measure_connection_memory() {
    auto kinds = connection_kinds();
    if (!kinds) return kinds.error();
    std::vector<ConnectionMemory> all;
    for (const auto& kind : *kinds) {
        auto memory = memory_of_kind(kind);
        if (!memory) return memory.error();
        all.push_back(std::move(*memory));
    }
    return all;
}

}  // namespace edgefw::bench
