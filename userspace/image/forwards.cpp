#include "userspace/image/forwards.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace edgefw::image {
namespace {

constexpr std::uint32_t kSeeds = 64;  // tried before the table doubles
constexpr std::uint32_t kMaxBuckets = 1 << 16;

enum class FoundBy { kPublic, kTarget };

bool is_retired(const edgefw_forward& entry) {
    return (entry.flags & EDGEFW_FORWARD_RETIRED) != 0;
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
std::optional<ForwardTable> room_for(const std::vector<edgefw_forward>& active, std::size_t entries, FoundBy by) {
    ForwardTable table;
    for (std::uint32_t buckets = std::bit_ceil(static_cast<std::uint32_t>(2 * entries)); buckets <= kMaxBuckets;
         buckets *= 2) {
        table.mask = buckets - 1;
        for (table.seed = 0; table.seed < kSeeds; ++table.seed) {
            if (fits(active, by, table)) return table;
        }
    }
    return std::nullopt;
}

// Leaves out the retired entries that would make a chain too long in either table: what one finds, so must the other.
std::vector<edgefw_forward> what_fits(const std::vector<edgefw_forward>& entries, const ForwardTable& in,
                                      const ForwardTable& out) {
    std::vector<unsigned> in_chain(in.mask + 1);
    std::vector<unsigned> out_chain(out.mask + 1);
    std::vector<edgefw_forward> kept;
    for (const edgefw_forward& entry : entries) {
        unsigned& in_length = in_chain[bucket_of(entry, FoundBy::kPublic, in)];
        unsigned& out_length = out_chain[bucket_of(entry, FoundBy::kTarget, out)];
        if (std::max(in_length, out_length) >= EDGEFW_MAX_FORWARD_CHAIN) continue;
        ++in_length;
        ++out_length;
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

void describe(Image& image) {
    edgefw_config& config = image.config[EDGEFW_EXTERNAL];
    config.has_forwards = image.forwards_in.entries.empty() ? 0 : 1;
    config.forward_in_mask = image.forwards_in.mask;
    config.forward_in_seed = image.forwards_in.seed;
    config.forward_out_mask = image.forwards_out.mask;
    config.forward_out_seed = image.forwards_out.seed;
    config.forward_in_ports = 0;
    config.forward_out_ports = 0;
    for (const edgefw_forward& entry : image.forwards_in.entries) {
        if ((entry.flags & EDGEFW_FORWARD_USED) == 0) continue;
        config.forward_in_ports |= edgefw_forward_bit(entry.public_port);
        config.forward_out_ports |= edgefw_forward_bit(entry.target_port);
    }
}

}  // namespace

edgefw_forward forward_entry(const policy::Forward& forward, std::uint16_t slot) {
    edgefw_forward entry = {};
    std::memcpy(&entry.public_address, forward.public_address.bytes().data(), sizeof entry.public_address);
    std::memcpy(&entry.target_address, forward.target.bytes().data(), sizeof entry.target_address);
    entry.public_port = htons(forward.public_port);
    entry.target_port = htons(forward.target_port);
    entry.protocol = forward.protocol;
    entry.flags = EDGEFW_FORWARD_USED;
    entry.slot = slot;
    return entry;
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
    describe(image);
    if (entries.empty()) return Ok{};

    std::vector<edgefw_forward> active;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(active),
                 [](const edgefw_forward& entry) { return !is_retired(entry); });
    const std::optional<ForwardTable> in = room_for(active, entries.size(), FoundBy::kPublic);
    const std::optional<ForwardTable> out = room_for(active, entries.size(), FoundBy::kTarget);
    if (!in || !out) {
        return Error{ErrorKind::kPolicy, "more than " + std::to_string(EDGEFW_MAX_FORWARD_CHAIN) +
                                             " port forwards share one target address and port "
                                             "(EDGEFW_MAX_FORWARD_CHAIN); give some another port"};
    }
    const std::vector<edgefw_forward> kept = what_fits(entries, *in, *out);
    image.forwards_in = *in;
    image.forwards_out = *out;
    fill(image.forwards_in, kept, FoundBy::kPublic);
    fill(image.forwards_out, kept, FoundBy::kTarget);
    describe(image);
    return Ok{};
}

}  // namespace edgefw::image
