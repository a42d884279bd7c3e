// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/resize.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

#include "maps/connection.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"

namespace edgefw::kernel {
namespace {

// Entries that the kernel's LRU may set aside for each CPU (LOCAL_FREE_TARGET in kernel/bpf/bpf_lru_list.c).
constexpr std::uint64_t kSetAside = 128;

// Returns when every program that was running at the call has ended: the kernel waits for them after an update of a map
// in a map.
Result<Ok> wait_for_programs() {
    const MapSpec element = {"element", BPF_MAP_TYPE_ARRAY, 4, 4, 1};
    auto inner = Map::create(element);
    if (!inner) return inner.error();
    auto outer = Map::create_outer({"waiting", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1}, *inner);
    if (!outer) return outer.error();
    const std::uint32_t index = 0;
    const int fd = inner->fd();
    return outer->write(&index, &fd);
}

}  // namespace

// As bpf/connection/carry_over.h says it of both sides: who entered the connection in the new table takes it out of the
// older one.
Result<Ok> bring_one(const ConnectionTable& table, const std::vector<std::uint8_t>& key) {
    edgefw_connection value;
    if (!table.older->read(key.data(), &value)) return Ok{};  // fetched
    auto inserted = table.map->insert(key.data(), &value);
    if (!inserted) return inserted.error();
    if (!*inserted) return Ok{};  // a packet did, and takes it out
    auto removed = table.older->remove(key.data());
    if (!removed) return removed.error();
    if (*removed) return Ok{};
    // It ended. One opened since then in its place stays: a packet may have had the time.
    edgefw_connection there;
    if (!table.map->read(key.data(), &there) || there.opened != value.opened) return Ok{};
    return table.map->erase(key.data());
}

namespace {

struct Found {
    std::uint64_t idle;             // jiffies since its last packet
    std::vector<std::uint8_t> key;  // as the table has it
};

// The live connections of a table, the one that was quiet longest first.
Result<std::vector<Found>> live_connections(const Map& table, const edgefw_config& config, std::uint64_t now) {
    std::vector<Found> all;
    auto walked = table.for_each([&](const std::uint8_t* key, const std::uint8_t* bytes) {
        edgefw_connection value;
        std::memcpy(&value, bytes, sizeof(value));
        const std::uint64_t idle = jiffies_since(value.seen, now);
        if (value.state >= EDGEFW_STATE_COUNT || idle > config.timeout[value.state]) return;
        all.push_back({idle, {key, key + table.key_size()}});
    });
    if (!walked) return walked.error();
    std::sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.idle > b.idle; });
    return all;
}

std::uint64_t missing(const Map& table, const Found* first, const Found* last) {
    return static_cast<std::uint64_t>(std::count_if(first, last, [&](const Found& found) {
        edgefw_connection value;
        return !table.read(found.key.data(), &value);
    }));
}

struct Brought {
    std::uint64_t live = 0;
    std::uint64_t left_out = 0;
};

Result<Brought> bring_table(const ConnectionTable& table, const edgefw_config& config, std::uint64_t now) {
    auto found = live_connections(*table.older, config, now);
    if (!found) return found.error();
    const std::uint64_t live = found->size(), capacity = table.map->max_entries();
    const std::uint64_t skipped = live > capacity ? live - capacity : 0;
    const Found* first = found->data() + skipped;
    const Found* last = found->data() + live;
    for (const Found* one = first; one != last; one++) {
        if (auto brought = bring_one(table, one->key); !brought) return brought.error();
    }
    // Near its capacity an LRU table recycles: those that were entered first, the longest quiet.
    const bool may_recycle = live + kSetAside * static_cast<std::uint64_t>(cpus()) > capacity;
    return Brought{live, may_recycle ? missing(*table.map, found->data(), last) : 0};
}

const char* kind_text(edgefw_table table) {
    switch (table) {
        case EDGEFW_TABLE_CONNECTIONS:
            return "confirmed TCP";
        case EDGEFW_TABLE_DATAGRAMS:
            return "confirmed other";
        default:
            return "half-open";
    }
}

std::string left_out_text(const CardState& card, const ConnectionTable& table, const Brought& brought) {
    return std::string(card.card().interface) + ": " + std::to_string(brought.left_out) + " of " +
           std::to_string(brought.live) + " " + kind_text(table.table) +
           (table.family == Family::kIpv4 ? " IPv4" : " IPv6") + " connections did not fit into " +
           std::to_string(table.map->max_entries()) + " entries; those seen last were kept";
}

}  // namespace

Result<std::string> bring_over(CardState& card, const std::vector<BankInUse>& banks) {
    if (!card.comes_over()) return std::string();
    const BankInUse& active = banks.front();
    Result<edgefw_config> config = config_without_policy(card.side());
    if (active.generation != nullptr) config = active.generation->config(card.side());
    if (!config) return config.error();
    if (auto waited = wait_for_programs(); !waited) return waited.error();
    auto now = jiffies_now();
    if (!now) return now.error();
    std::string text;
    for (const ConnectionTable& table : card.connection_tables()) {
        if (table.older == nullptr) continue;
        auto brought = bring_table(table, *config, *now);
        if (!brought) return brought.error();
        if (brought->left_out == 0) continue;
        text += (text.empty() ? "" : "; ") + left_out_text(card, table, *brought);
    }
    card.forget_older();
    // In all banks: an idle one would keep the older tables in memory until a push fills it.
    const auto fill = [&](const BankInUse& use, const std::vector<std::uint32_t>& into) -> Result<Ok> {
        auto programs = card.load(use.generation);
        if (!programs) return programs.error();
        for (const std::uint32_t bank : into) {
            if (auto filled = card.fill_bank(bank, *programs, use.number); !filled) return filled;
        }
        return Ok{};
    };
    std::vector<std::uint32_t> others;
    for (std::uint32_t bank = 0; bank < EDGEFW_BANKS; bank++) {
        if (banks.size() < 2 || bank != banks[1].bank) others.push_back(bank);
    }
    if (auto filled = fill(active, others); !filled) return filled.error();
    if (banks.size() > 1) {
        if (auto filled = fill(banks[1], {banks[1].bank}); !filled) return filled.error();
    }
    card.unpin_unused_tables(active.bank);
    return text;
}

}  // namespace edgefw::kernel
