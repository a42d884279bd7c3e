// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/forwards.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <tuple>

#include "userspace/image/config.h"

namespace edgefw::image {
namespace {

constexpr std::uint32_t kSeeds = 64;  // tried before the table doubles
constexpr std::uint32_t kMaxBuckets = 1 << 18;

enum class FoundBy { kPublic, kTarget };

constexpr unsigned kOnAnySide = EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL) | EDGEFW_FORWARD_ON(EDGEFW_INTERNAL);

bool is_retired(const edgefw_forward& entry) {
    return (entry.flags & EDGEFW_FORWARD_RETIRED) != 0;
}

// The sides on which its target opens by it, as flags. A hairpin translates destinations on internal cards; the source
// is that of the outside alone.
__u8 opening_sides(const edgefw_forward& entry) {
    const unsigned sides = entry.flags & kOnAnySide;
    return static_cast<__u8>((sides & EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL)) != 0 ? EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL)
                                                                               : sides);
}

std::uint32_t bucket_of(const edgefw_forward& entry, FoundBy by, const ForwardTable& table) {
    return by == FoundBy::kPublic
               ? edgefw_forward_bucket(entry.public_address, entry.public_port, entry.protocol, table.seed, table.mask)
               : edgefw_forward_bucket(entry.target_address, entry.target_port, entry.protocol, table.seed, table.mask);
}

bool fits(const std::vector<edgefw_forward>& active, FoundBy by, const ForwardTable& table) {
    std::vector<unsigned> chain(table.mask + 1);
    return std::all_of(active.begin(), active.end(), [&](const edgefw_forward& entry) {
        return ++chain[bucket_of(entry, by, table)] <= EDGEFW_MAX_FORWARD_CHAIN;
    });
}

// Mask and seed of a table whose buckets hold all of `active`. Twice as many buckets as entries: chains of one mostly.
std::optional<ForwardTable> room_for(const std::vector<edgefw_forward>& active, std::size_t entries, FoundBy by,
                                     std::uint32_t most = kMaxBuckets) {
    ForwardTable table;
    for (std::uint32_t buckets = std::bit_ceil(static_cast<std::uint32_t>(2 * entries)); buckets <= most;
         buckets *= 2) {
        table.mask = buckets - 1;
        for (table.seed = 0; table.seed < kSeeds; ++table.seed) {
            if (fits(active, by, table)) return table;
        }
    }
    return std::nullopt;
}

// Leaves out the retired entries that would make a chain too long.
std::vector<edgefw_forward> what_fits(const std::vector<edgefw_forward>& entries, FoundBy by,
                                      const ForwardTable& table) {
    std::vector<unsigned> chain(table.mask + 1);
    std::vector<edgefw_forward> kept;
    for (const edgefw_forward& entry : entries) {
        unsigned& length = chain[bucket_of(entry, by, table)];
        if (length >= EDGEFW_MAX_FORWARD_CHAIN) continue;
        ++length;
        kept.push_back(entry);
    }
    return kept;
}

void fill(ForwardTable& table, const std::vector<edgefw_forward>& entries, FoundBy by) {
    table.entries.assign(table.mask + 1, edgefw_forward{});
    for (const edgefw_forward& entry : entries) {
        std::uint32_t place = bucket_of(entry, by, table);
        if (table.entries[place].flags != 0) {
            while (table.entries[place].next != 0)
                place = table.entries[place].next;
            const auto added = static_cast<std::uint32_t>(table.entries.size());
            table.entries[place].next = added;
            table.entries.push_back({});
            place = added;
        }
        table.entries[place] = entry;
        table.entries[place].next = 0;
    }
}

// Lays `entries` out in `table`. False: more active ones share a bucket, whatever the seed, than it holds.
bool lay_out(ForwardTable& table, const std::vector<edgefw_forward>& entries, FoundBy by) {
    if (entries.empty()) return true;
    std::vector<edgefw_forward> active;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(active),
                 [](const edgefw_forward& entry) { return !is_retired(entry); });
    // With room for the retired ones, too, where a table of twice the size has it.
    const auto most = std::min(kMaxBuckets, 2 * std::bit_ceil(static_cast<std::uint32_t>(2 * entries.size())));
    std::optional<ForwardTable> room = room_for(entries, entries.size(), by, most);
    if (!room) room = room_for(active, entries.size(), by);
    if (!room) return false;
    table = *room;
    fill(table, what_fits(entries, by, table), by);
    return true;
}

}  // namespace

std::vector<edgefw_forward> forward_entries(const policy::Forward& forward, std::uint16_t slot) {
    edgefw_forward entry = {};
    std::memcpy(&entry.public_address, forward.public_address.bytes().data(), sizeof entry.public_address);
    std::memcpy(&entry.target_address, forward.target.bytes().data(), sizeof entry.target_address);
    entry.protocol = forward.protocol;
    entry.flags = EDGEFW_FORWARD_USED;
    for (unsigned side = 0; side < EDGEFW_SIDES; ++side) {
        if ((forward.sides & 1u << side) != 0) entry.flags |= static_cast<__u8>(EDGEFW_FORWARD_ON(side));
    }
    entry.slot = slot;
    if (forward.is_static() || forward.kind == policy::NatKind::kPortForward) entry.flags |= EDGEFW_FORWARD_OPENS;
    if (forward.is_static()) return {entry};
    std::vector<edgefw_forward> entries(forward.ports, entry);
    for (std::uint16_t i = 0; i < forward.ports; ++i) {
        entries[i].public_port = htons(static_cast<std::uint16_t>(forward.public_port + i));
        entries[i].target_port = htons(static_cast<std::uint16_t>(forward.target_port + i));
    }
    return entries;
}

void let_first_open(std::vector<edgefw_forward>& entries) {
    std::set<std::tuple<__be32, __be16, __u8, __u8>> known;
    for (edgefw_forward& entry : entries) {
        if ((entry.flags & EDGEFW_FORWARD_OPENS) == 0) continue;
        const bool is_first =
            known.emplace(entry.target_address, entry.target_port, entry.protocol, opening_sides(entry)).second;
        if (!is_first) entry.flags &= static_cast<__u8>(~EDGEFW_FORWARD_OPENS);
    }
}

std::vector<edgefw_forward> entries_of(const std::vector<edgefw_forward>& table) {
    std::vector<edgefw_forward> entries;
    for (edgefw_forward entry : table) {
        if ((entry.flags & EDGEFW_FORWARD_USED) == 0) continue;
        entry.next = 0;
        entries.push_back(entry);
    }
    return entries;
}

Result<Ok> lay_out_forwards(Image& image, const std::vector<edgefw_forward>& entries) {
    image.forwards_in = {};
    image.forwards_out = {};
    std::vector<edgefw_forward> opening;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(opening), [](const edgefw_forward& entry) {
        return (entry.flags & EDGEFW_FORWARD_OPENS) != 0 && !is_retired(entry);
    });
    for (edgefw_forward& entry : opening)
        entry.flags = static_cast<__u8>((entry.flags & ~kOnAnySide) | opening_sides(entry));
    if (!lay_out(image.forwards_in, entries, FoundBy::kPublic) ||
        !lay_out(image.forwards_out, opening, FoundBy::kTarget)) {
        return Error{ErrorKind::kPolicy, "the NAT entries have too many ports for a table of " +
                                             std::to_string(kMaxBuckets) + " buckets; forward fewer ports"};
    }
    configure_nat(image);
    return Ok{};
}

}  // namespace edgefw::image
