// SPDX-License-Identifier: GPL-2.0-only
// What is in force: status, counters and documents. Nothing here changes anything.
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "maps/limits.h"
#include "userspace/base/wall_clock.h"
#include "userspace/document/document.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/fallback.h"
#include "userspace/kernel/inventory.h"
#include "userspace/kernel/look.h"
#include "userspace/kernel/ring.h"
#include "userspace/kernel/shadow.h"
#include "userspace/policy/reasons.h"

namespace edgefw::kernel {
namespace {

Result<Summary> summary_of(const Home& home, std::uint32_t generation) {
    if (generation == 0) return Summary{};
    const auto opened = Generation::open(home.generation(generation));
    if (!opened) return opened.error();
    return opened->summary();
}

using Shared = std::shared_ptr<const document::Listing>;

// `before` has those that are known, `fresh` those of this look.
Result<Shared> listing_of(const Generation& generation, const KnownListings& before, KnownListings& fresh) {
    const std::uint32_t id = generation.listing_id();
    for (const KnownListings* known : {&std::as_const(fresh), &before}) {
        const auto found = known->by_map.find(id);
        if (id != 0 && found != known->by_map.end()) return fresh.by_map[id] = found->second;
    }
    auto read = generation.listing();
    if (!read) return read.error();
    return fresh.by_map[id] = std::make_shared<const document::Listing>(std::move(*read));
}

Result<edgefw_config> config_in_force(const Look& seen, const CardState& state) {
    const std::uint32_t number = seen.inventory.generation_of(state);
    if (number == 0) return config_without_policy(state.side());
    auto generation = Generation::open(seen.home.generation(number));
    if (!generation) return generation.error();
    return generation->config(state.side());
}

std::vector<std::uint32_t> timeouts_of(const edgefw_config& config) {
    std::vector<std::uint32_t> seconds;
    for (const std::uint32_t timeout : config.timeout)
        seconds.push_back(timeout / jiffies_of(1));
    return seconds;
}

Result<Ok> read_reasons(const CardState& state, CardCounters& to) {
    return state.maps().reasons.read_all(EDGEFW_REASON_COUNTERS, [&](std::uint32_t index, const std::uint8_t* values) {
        auto& sum =
            to.reasons[index / (2 * EDGEFW_REASON_COUNT)][index / EDGEFW_REASON_COUNT % 2][index % EDGEFW_REASON_COUNT];
        for (int cpu = 0; cpu < cpus(); cpu++) {
            edgefw_reason_counter counter = {};
            std::memcpy(&counter, values + static_cast<std::size_t>(cpu) * sizeof(counter), sizeof(counter));
            sum.packets += counter.packets;
            sum.bytes += counter.bytes;
        }
    });
}

Result<CardCounters> card_counters(const Look& seen, const CardState& state, const KnownListings& before,
                                   KnownListings& fresh) {
    CardCounters result;
    Summary summary;
    if (const std::uint32_t number = seen.inventory.generation_of(state); number != 0) {
        const auto generation = Generation::open(seen.home.generation(number));
        if (!generation) return generation.error();
        auto listing = listing_of(*generation, before, fresh);
        if (!listing) return listing.error();
        result.listing = std::move(*listing);
        auto read = generation->summary();
        if (!read) return read.error();
        summary = std::move(*read);
    }
    auto sums = state.counters(Generation::slots_needed(*result.listing));
    if (!sums) return sums.error();
    result.slots = std::move(*sums);
    if (auto read = read_reasons(state, result); !read) return read.error();
    result.card = describe(seen.inventory, state, summary);
    return result;
}

// Returns the number of recycled entries that is certain. Entries that come or go while they are counted must not show
// as recycled, so the number may be too small then; it is exact while nothing changes.
std::uint64_t recycled(const edgefw_table_counter& before, std::uint64_t entries, const edgefw_table_counter& after) {
    const std::uint64_t accounted = entries + after.removed;
    return before.inserted > accounted ? before.inserted - accounted : 0;
}

Result<std::vector<Occupancy>> occupancy(const CardState& state, bool count_entries) {
    const auto entries_in = [&](const Map* map) { return count_entries && map != nullptr ? map->count() : 0; };
    std::vector<Occupancy> result;
    auto before = state.table_counters();
    if (!before) return before.error();
    std::vector<std::uint64_t> entries;
    for (const ConnectionTable& table : state.connection_tables())
        entries.push_back(entries_in(table.map) + entries_in(table.older));
    auto after = state.table_counters();
    if (!after) return after.error();
    for (const ConnectionTable& table : state.connection_tables()) {
        const edgefw_table_counter& now = (*after)[table.index()];
        const std::uint64_t capacity = table.map->max_entries();
        const std::uint64_t counted = entries[result.size()];
        Turnover turnover = {now.inserted, now.removed, 0, now.refused};
        if (count_entries) turnover.recycled = recycled((*before)[table.index()], counted, now);
        result.push_back({table.name, std::min(counted, capacity), capacity, turnover});
    }
    for (const auto& [name, map] : state.maps().shown_tables())
        result.push_back({name, entries_in(map), map->max_entries()});
    return result;
}

}  // namespace

Result<Ok> may_load_programs() {
    silence_libbpf();
    // The least a program needs: what the kernel says to this is what it would say to all of it.
    auto map = Map::create({"edgefw_probe", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1});
    if (map) return Ok{};
    if (map.error().kind != ErrorKind::kNotPermitted) return map.error();
    return Error{ErrorKind::kNotPermitted,
                 "the kernel allows no BPF here; run as root (or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"};
}

namespace {

// `of` reads it of a generation and its number; empty where no policy is in force.
Result<std::string> text_in_force(
    const std::optional<std::string>& interface,
    const std::function<Result<std::string>(const Generation& generation, std::uint32_t number)>& of) {
    return with_look<std::string>([&](Look& seen) -> Result<std::string> {
        if (seen.inventory.cards.empty()) return nothing_attached();
        std::uint32_t number = 0;
        if (interface) {
            const CardState* state = seen.inventory.find(*interface);
            if (state == nullptr) return not_attached(*interface);
            number = seen.inventory.generation_of(*state);
        } else {
            for (const auto& card : seen.inventory.cards)
                number = std::max(number, seen.inventory.generation_of(card));
        }
        if (number == 0) return std::string();
        auto generation = Generation::open(seen.home.generation(number));
        if (!generation) return generation.error();
        return of(*generation, number);
    });
}

}  // namespace

Result<std::string> document_in_force(const std::optional<std::string>& interface) {
    return text_in_force(interface, [](const Generation& generation, std::uint32_t number) {
        Result<std::string> text = generation.document();
        return text ? document::with_generation(*text, number) : text;
    });
}

Result<std::string> sources_in_force(const std::optional<std::string>& interface) {
    return text_in_force(interface, [](const Generation& generation, std::uint32_t) { return generation.sources(); });
}

Result<Status> status(bool count_entries) {
    return with_look<Status>([&](Look& seen) -> Result<Status> {
        Status result;
        const ActiveWord& active = seen.inventory.active;
        result.generation = active.generation;
        result.standing.fell_back = active.fell_back;
        if (const auto& confirmation = seen.inventory.confirmation) {
            auto left = seconds_left(*confirmation);
            if (!left) return left.error();
            result.standing.waiting = Waiting{active.generation, confirmation->fallback.generation, *left, active.bank};
        }
        auto closed = closed_cards();
        if (!closed) return closed.error();
        result.closed = std::move(*closed);
        auto hooked = hooked_cards(seen.home);
        if (!hooked) return hooked.error();
        result.hooked = std::move(*hooked);
        for (const auto& state : seen.inventory.cards) {
            const auto summary = summary_of(seen.home, seen.inventory.generation_of(state));
            if (!summary) return summary.error();
            auto maps = occupancy(state, count_entries);
            if (!maps) return maps.error();
            auto config = config_in_force(seen, state);
            if (!config) return config.error();
            auto shadow = card_shadow(seen, state);
            if (!shadow) return shadow.error();
            result.cards.push_back({describe(seen.inventory, state, *summary), std::move(*maps), timeouts_of(*config),
                                    summary->shape, std::move(*shadow), config->repeats});
        }
        return result;
    });
}

Result<std::vector<HookedCard>> hooked_cards() {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    auto home = Home::look();
    if (!home) return home.error();
    return hooked_cards(*home);
}

Result<std::vector<CardCounters>> counters(const std::optional<std::string>& interface) {
    KnownListings none;
    return counters(interface, none);
}

Result<std::vector<CardCounters>> counters(const std::optional<std::string>& interface, KnownListings& known) {
    return with_look<std::vector<CardCounters>>([&](Look& seen) -> Result<std::vector<CardCounters>> {
        if (interface && seen.inventory.find(*interface) == nullptr) return not_attached(*interface);
        if (seen.inventory.cards.empty()) return nothing_attached();
        std::vector<CardCounters> result;
        KnownListings fresh;
        for (const auto& state : seen.inventory.cards) {
            if (interface && *interface != state.card().interface) continue;
            auto read = card_counters(seen, state, known, fresh);
            if (!read) return read.error();
            result.push_back(std::move(*read));
        }
        known = std::move(fresh);
        return result;
    });
}

namespace {

// The frame with a tag that the kernel held apart put back.
std::vector<std::uint8_t> frame_of(const edgefw_record& record) {
    constexpr std::size_t kAddresses = 12;
    constexpr std::uint8_t kTagged[] = {0x81, 0x00};
    std::vector<std::uint8_t> frame(record.frame,
                                    record.frame + std::min<std::size_t>(record.captured, EDGEFW_RECORD_FRAME));
    const std::uint8_t tag[] = {kTagged[0], kTagged[1], static_cast<std::uint8_t>(record.tag >> 8),
                                static_cast<std::uint8_t>(record.tag)};
    if ((record.flags & EDGEFW_RECORD_TAG) != 0 && frame.size() >= kAddresses)
        frame.insert(frame.begin() + kAddresses, std::begin(tag), std::end(tag));
    return frame;
}

Result<CardDrops> card_drops(const Look& seen, const CardState& state, std::uint64_t within) {
    CardDrops result;
    result.interface = state.card().interface;
    result.side = state.side();
    const auto names = names_of(seen, state);
    if (!names) return names.error();
    result.generation = names->generation;
    const auto shadow = shadow_names(seen, state);
    if (!shadow) return shadow.error();
    result.shadow = *shadow ? (*shadow)->generation : 0;
    // First what is recorded, then what is counted: a packet is counted before it is recorded.
    const auto recorded = state.recorded();
    if (!recorded) return recorded.error();
    CardCounters counters;
    if (auto read = read_reasons(state, counters); !read) return read.error();
    for (unsigned hook = 0; hook < EDGEFW_HOOKS; hook++) {
        for (unsigned reason = 0; reason < EDGEFW_REASON_COUNT; reason++) {
            result.dropped[hook][reason] = counters.reasons[hook][EDGEFW_DROP][reason].packets;
            result.recorded[hook][reason] = (*recorded)[hook * 2 * EDGEFW_REASON_COUNT + reason];
        }
    }
    const auto now = jiffies_now();
    if (!now) return now.error();
    const std::uint64_t wall = wall_milliseconds(), second = jiffies_of(1);
    auto read = read_ring(state.maps().drops, [&](std::uint32_t index, const edgefw_record& record) {
        const std::uint64_t age = jiffies_since(record.time, *now) * 1000 / second;
        if (age > within) return;
        Drop drop;
        drop.interface = result.interface;
        drop.side = result.side;
        drop.hook = (record.flags & EDGEFW_RECORD_SENT) != 0 ? EDGEFW_SENT : EDGEFW_RECEIVED;
        drop.verdict = (record.flags & EDGEFW_RECORD_PASSED) != 0 ? policy::Action::kPass : policy::Action::kDrop;
        drop.reason = static_cast<edgefw_reason>(record.reason);
        drop.time = wall - age;
        drop.age = age;
        drop.generation = record.generation;
        drop.slot = record.slot;
        drop.is_shadow = (record.flags & EDGEFW_RECORD_SHADOW) != 0;
        const Names& by = drop.is_shadow && *shadow ? **shadow : *names;
        drop.rule = by.of(record.slot, record.generation);
        drop.nat = names->of(record.nat, record.generation);
        drop.count = record.count;
        drop.length = record.length;
        drop.at_xdp = drop.hook == EDGEFW_RECEIVED && state.received_at() == ReceivedAt::kXdp;
        drop.has_link = (record.flags & EDGEFW_RECORD_NO_LINK) == 0;
        drop.frame = frame_of(record);
        drop.key = std::uint64_t{index} << 32 | record.sequence;
        result.drops.push_back(std::move(drop));
    });
    if (!read) return read.error();
    std::stable_sort(result.drops.begin(), result.drops.end(),
                     [](const Drop& a, const Drop& b) { return a.time > b.time; });
    return result;
}

}  // namespace

Result<std::vector<CardDrops>> drops(const std::optional<std::string>& interface, std::uint64_t within) {
    return with_look<std::vector<CardDrops>>([&](Look& seen) -> Result<std::vector<CardDrops>> {
        if (interface && seen.inventory.find(*interface) == nullptr) return not_attached(*interface);
        if (seen.inventory.cards.empty()) return nothing_attached();
        std::vector<CardDrops> result;
        for (const auto& state : seen.inventory.cards) {
            if (interface && *interface != state.card().interface) continue;
            auto read = card_drops(seen, state, within);
            if (!read) return read.error();
            result.push_back(std::move(*read));
        }
        return result;
    });
}

Result<std::uint32_t> generation_in_force() {
    auto home = Home::look();
    if (!home) return home.error();
    auto active = read_active(*home);
    if (!active) return active.error();
    return active->generation;
}

}  // namespace edgefw::kernel
