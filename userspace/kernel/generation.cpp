// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/generation.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

#include "maps/classes.h"
#include "maps/limits.h"
#include "userspace/image/hosts.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/registry.h"
#include "userspace/kernel/text_map.h"

namespace edgefw::kernel {
namespace {

constexpr std::size_t kHostRoom = 16384;      // addresses of all hosts of a policy, beyond those it begins with
constexpr std::size_t kHostText = 64 * 1024;  // bytes for one of them, likewise
#define EDGEFW_PART_NAME(part, name) #name,
constexpr const char* kPartNames[] = {EDGEFW_GENERATION_MAPS(EDGEFW_PART_NAME)};
#undef EDGEFW_PART_NAME

template <typename Value>
Result<Map> filled_array(const char* name, const std::vector<Value>& values) {
    auto map = create_map(name, values.size());
    if (!map) return map.error();
    if (auto filled = map->fill(values.data(), values.size() * sizeof(Value)); !filled) return filled.error();
    return map;
}

// The programs have it as constants: it is kept for who loads them later.
Result<Map> config_map(const std::vector<edgefw_config>& configs) {
    auto map = Map::create({"config", BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(edgefw_config),
                            static_cast<std::uint32_t>(configs.size()), BPF_F_MMAPABLE});
    if (!map) return map.error();
    if (auto filled = map->fill(configs.data(), configs.size() * sizeof(edgefw_config)); !filled) return filled.error();
    return map;
}

// Keys and values as the kernel takes them: side by side.
struct Entries {
    std::vector<std::uint8_t> keys;
    std::vector<edgefw_class> values;
};

template <typename Key>
void append(Entries& entries, const Key& key, std::uint32_t number) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&key);
    entries.keys.insert(entries.keys.end(), bytes, bytes + sizeof(key));
    entries.values.push_back({number});
}

Entries host_entries(const std::vector<image::ClassPrefix>& classes) {
    Entries entries;
    for (const auto& entry : classes) {
        const auto bytes = entry.prefix.address.bytes();
        const std::size_t size = entry.prefix.address.family == Family::kIpv4 ? 4 : 16;
        entries.keys.insert(entries.keys.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        entries.values.push_back({entry.number});
    }
    return entries;
}

Entries prefix_entries(const std::vector<image::ClassPrefix>& classes) {
    Entries entries;
    for (const auto& entry : classes) {
        const auto bytes = entry.prefix.address.bytes();
        if (entry.prefix.address.family == Family::kIpv4) {
            edgefw_prefix4 key = {static_cast<__u32>(entry.prefix.length), 0};
            std::memcpy(&key.address, bytes.data(), sizeof(key.address));
            append(entries, key, entry.number);
        } else {
            edgefw_prefix6 key = {static_cast<__u32>(entry.prefix.length), {}};
            std::memcpy(key.address, bytes.data(), sizeof(key.address));
            append(entries, key, entry.number);
        }
    }
    return entries;
}

// `hosts`: names whose addresses come and go.
Result<Map> class_map(const char* name, const Entries& entries, std::size_t hosts) {
    const std::size_t room = std::min<std::size_t>(hosts * EDGEFW_MAX_HOST_ADDRESSES, kHostRoom);
    auto map = create_map(name, entries.values.size() + room);
    if (!map) return map.error();
    const auto count = static_cast<std::uint32_t>(entries.values.size());
    if (auto wrote = map->write_batch(entries.keys.data(), entries.values.data(), count); !wrote) return wrote.error();
    return map;
}

bool uses(const image::Image& image, Family family, edgefw_class_table table) {
    return std::any_of(std::begin(image.config), std::end(image.config), [&](const edgefw_config& config) {
        return config.class_table[static_cast<std::size_t>(family)] == table;
    });
}

Result<Map> class_hosts(const char* name, const image::Image& image, Family family) {
    if (!uses(image, family, EDGEFW_CLASSES_HASH)) return create_map(name, 0);
    return class_map(name, host_entries(image.classes[static_cast<std::size_t>(family)]), image.hosts.size());
}

Result<Map> class_prefixes(const char* name, const image::Image& image, Family family) {
    if (!uses(image, family, EDGEFW_CLASSES_TRIE)) return create_map(name, 0);
    return class_map(name, prefix_entries(image.classes[static_cast<std::size_t>(family)]), image.hosts.size());
}

// The key of one address in a class table.
struct ClassKey {
    edgefw_prefix4 prefix4 = {};
    edgefw_prefix6 prefix6 = {};
    const void* at = nullptr;

    ClassKey(const Address& address, edgefw_class_table table) {
        const auto bytes = address.bytes();
        const bool ipv4 = address.family == Family::kIpv4;
        prefix4.length = 32;
        prefix6.length = 128;
        std::memcpy(&prefix4.address, bytes.data(), sizeof(prefix4.address));
        std::memcpy(prefix6.address, bytes.data(), sizeof(prefix6.address));
        if (table == EDGEFW_CLASSES_HASH)
            at = ipv4 ? static_cast<const void*>(&prefix4.address) : prefix6.address;
        else
            at = ipv4 ? static_cast<const void*>(&prefix4) : &prefix6;
    }
    ClassKey(const ClassKey&) = delete;
    ClassKey& operator=(const ClassKey&) = delete;
};

// By enum edgefw_side.
std::vector<edgefw_config> configs_of(const image::Image& image, std::uint32_t number) {
    return {config_of(image, policy::Side::kExternal, number), config_of(image, policy::Side::kInternal, number)};
}

}  // namespace

std::uint32_t Generation::slots_needed(const image::Slots& slots) {
    std::uint32_t needed = EDGEFW_SLOT_FIRST_RULE;
    for (const auto& [id, slot] : slots)
        needed = std::max(needed, slot + 1);
    return needed;
}

std::uint32_t Generation::slots_needed(const document::Listing& listing) {
    std::uint32_t needed = EDGEFW_SLOT_FIRST_RULE;
    for (const document::RuleEntry& rule : listing.rules)
        needed = std::max(needed, rule.slot + 1);
    for (const document::NatEntry& entry : listing.nat)
        needed = std::max(needed, entry.slot + 1);
    return needed;
}

Result<Generation> Generation::create(const image::Image& image, const Kept& kept, std::uint32_t number) {
    Generation generation;
    auto add = [&](Result<Map> map) -> Result<Ok> {
        if (!map) return map.error();
        generation.maps_.push_back(std::move(*map));
        return Ok{};
    };
    // In the order of Part.
    if (auto done = add(config_map(configs_of(image, number))); !done) return done.error();
    if (auto done = add(filled_array("nodes", image.nodes)); !done) return done.error();
    if (auto done = add(filled_array("insns", image.insns)); !done) return done.error();
    if (auto done = add(class_hosts("class_hosts4", image, Family::kIpv4)); !done) return done.error();
    if (auto done = add(class_hosts("class_hosts6", image, Family::kIpv6)); !done) return done.error();
    if (auto done = add(class_prefixes("class_prefixes4", image, Family::kIpv4)); !done) return done.error();
    if (auto done = add(class_prefixes("class_prefixes6", image, Family::kIpv6)); !done) return done.error();
    if (auto done = add(filled_array("forwards_in", image.forwards_in.entries)); !done) return done.error();
    if (auto done = add(filled_array("forwards_out", image.forwards_out.entries)); !done) return done.error();
    if (auto done = add(filled_array("masquerades", image.masquerades)); !done) return done.error();
    if (auto done = add(text_map("document", kept.document, 0)); !done) return done.error();
    if (auto done = add(text_map("listing", kept.listing, 0)); !done) return done.error();
    if (auto done = add(text_map("summary", kept.summary, 0)); !done) return done.error();
    const std::string hosts = image::hosts_text(image);
    if (auto done = add(text_map("hosts", hosts, image.hosts.size() * kHostText)); !done) return done.error();
    if (auto done = add(text_map("sources", kept.sources, 0)); !done) return done.error();
    return generation;
}

Result<Generation> Generation::open(const std::string& directory) {
    Generation generation;
    for (const char* name : kPartNames) {
        auto map = Map::open_pinned(directory + "/" + name);
        if (!map) return map.error();
        generation.maps_.push_back(std::move(*map));
    }
    return generation;
}

Result<Ok> Generation::pin(const std::string& directory) const {
    if (auto made = make_directory(directory); !made) return made.error();
    for (int part = 0; part < kParts; part++) {
        auto pinned = maps_[static_cast<std::size_t>(part)].pin(directory + "/" + kPartNames[part]);
        if (pinned) continue;
        remove_directory(directory);
        return pinned.error();
    }
    return Ok{};
}

Result<edgefw_config> Generation::config(policy::Side side) const {
    return maps_[kConfig].at<edgefw_config>(static_cast<std::uint32_t>(side));
}

Result<std::string> Generation::document() const {
    return read_text(maps_[kDocument]);
}

Result<document::Listing> Generation::listing() const {
    const auto text = read_text(maps_[kListing]);
    if (!text) return text.error();
    return document::read_listing(*text);
}

Result<Summary> Generation::summary() const {
    const auto text = read_text(maps_[kSummary]);
    if (!text) return text.error();
    return read_summary(*text);
}

Result<std::string> Generation::sources() const {
    return read_text(maps_[kSources]);
}

Result<std::string> Generation::hosts() const {
    return read_text(maps_[kHosts]);
}

Result<Ok> Generation::write_hosts(const std::string& text) const {
    return write_text(maps_[kHosts], text);
}

// Both sides share the tables; a side that needs none says so in its own config.
Result<edgefw_class_table> Generation::class_table(Family family) const {
    const auto index = static_cast<std::size_t>(family);
    std::uint32_t table = EDGEFW_CLASSES_NONE;
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto configured = config(side);
        if (!configured) return configured.error();
        table = std::max(table, configured->class_table[index]);
    }
    return static_cast<edgefw_class_table>(table);
}

Result<std::uint32_t> Generation::class_of(const Address& address) const {
    auto table = class_table(address.family);
    if (!table) return table.error();
    if (*table == EDGEFW_CLASSES_NONE) return 0u;
    const ClassKey key(address, *table);
    edgefw_class found = {};
    // Not there: in no class.
    if (!class_map_of(address.family, *table).read(key.at, &found)) return 0u;
    return found.number;
}

Result<Ok> Generation::set_class(const Address& address, std::uint32_t number) const {
    auto table = class_table(address.family);
    if (!table) return table.error();
    if (*table == EDGEFW_CLASSES_NONE) return Ok{};  // no rule asks for a class of this family
    const Map& map = class_map_of(address.family, *table);
    const ClassKey key(address, *table);
    const edgefw_class value = {number};
    return number == 0 ? map.erase(key.at) : map.write(key.at, &value);
}

const Map& Generation::class_map_of(Family family, edgefw_class_table table) const {
    const bool ipv4 = family == Family::kIpv4;
    if (table == EDGEFW_CLASSES_HASH) return maps_[ipv4 ? kClassHosts4 : kClassHosts6];
    return maps_[ipv4 ? kClassPrefixes4 : kClassPrefixes6];
}

Result<std::vector<edgefw_forward>> Generation::forwards() const {
    auto bytes = maps_[kForwardsIn].contents();
    if (!bytes) return bytes.error();
    std::vector<edgefw_forward> forwards;
    for (std::uint32_t i = 0; i < maps_[kForwardsIn].max_entries(); i++) {
        edgefw_forward entry = {};
        std::memcpy(&entry, bytes->data() + std::size_t{i} * sizeof(entry), sizeof(entry));
        if (entry.flags & EDGEFW_FORWARD_USED) forwards.push_back(entry);
    }
    return forwards;
}

std::vector<Binding> Generation::bindings() const {
    std::vector<Binding> bindings;
    for (int part = kNodes; part < kDocument; part++)
        bindings.push_back({kPartNames[part], maps_[static_cast<std::size_t>(part)].fd()});
    return bindings;
}

}  // namespace edgefw::kernel
