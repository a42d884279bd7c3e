// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/generation.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "maps/classes.h"
#include "maps/limits.h"
#include "userspace/image/config.h"
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

// The key of a prefix in the class tables of its family.
class ClassKey {
public:
    explicit ClassKey(const Prefix& prefix) {
        const auto address = prefix.address.bytes();
        const bool ipv4 = prefix.address.family == Family::kIpv4;
        key_.length = static_cast<__u32>(prefix.length);
        size_ = ipv4 ? sizeof(edgefw_prefix4) : sizeof(edgefw_prefix6);
        std::memcpy(key_.address, address.data(), size_ - sizeof(key_.length));
    }
    const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(&key_); }
    std::size_t size() const { return size_; }

private:
    edgefw_prefix6 key_ = {};  // edgefw_prefix4 begins as it does
    std::size_t size_ = 0;
};
static_assert(offsetof(edgefw_prefix4, address) == offsetof(edgefw_prefix6, address));

// Keys and values as the kernel takes them: side by side. `hosts`: names whose addresses come and go.
Result<Map> filled_classes(const char* name, const std::vector<image::ClassPrefix>& classes, std::size_t hosts) {
    std::vector<std::uint8_t> keys;
    std::vector<edgefw_class> values;
    for (const image::ClassPrefix& entry : classes) {
        const ClassKey key(entry.prefix);
        keys.insert(keys.end(), key.data(), key.data() + key.size());
        values.push_back({entry.number});
    }
    const std::size_t room = std::min<std::size_t>(hosts * EDGEFW_MAX_HOST_ADDRESSES, kHostRoom);
    auto map = create_map(name, values.size() + room);
    if (!map) return map.error();
    const auto count = static_cast<std::uint32_t>(values.size());
    if (auto wrote = map->write_batch(keys.data(), values.data(), count); !wrote) return wrote.error();
    return map;
}

// Of the tables of a family the image uses one, or none.
Result<Map> class_map(const char* name, const image::Image& image, Family family, edgefw_class_table table) {
    const auto index = static_cast<std::size_t>(family);
    const bool is_used = std::any_of(std::begin(image.config), std::end(image.config),
                                     [&](const edgefw_config& config) { return config.class_table[index] == table; });
    if (!is_used) return create_map(name, 0);
    return filled_classes(name, image.classes[index], image.hosts.size());
}

// By enum edgefw_side.
std::vector<edgefw_config> configs_of(const image::Image& image, std::uint32_t number, std::uint32_t retains_until) {
    std::vector<edgefw_config> configs;
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal})
        configs.push_back(config_of(image, side, number));
    for (edgefw_config& config : configs)
        config.retains_until = retains_until;
    return configs;
}

// The elements of an array, each as it was filled.
template <typename Value>
Result<std::vector<Value>> elements_of(const Map& map) {
    auto bytes = map.contents();
    if (!bytes) return bytes.error();
    std::vector<Value> values(map.max_entries());
    for (std::size_t i = 0; i < values.size(); i++)
        std::memcpy(&values[i], bytes->data() + i * sizeof(Value), sizeof(Value));
    return values;
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

Result<Generation> Generation::create(const image::Image& image, const Kept& kept, std::uint32_t number,
                                      std::uint32_t retains_until) {
    Generation generation;
    auto add = [&](Result<Map> map) -> Result<Ok> {
        if (!map) return map.error();
        generation.maps_.push_back(std::move(*map));
        return Ok{};
    };
    // In the order of Part.
    if (auto done = add(config_map(configs_of(image, number, retains_until))); !done) return done.error();
    if (auto done = add(filled_array("nodes", image.nodes)); !done) return done.error();
    if (auto done = add(filled_array("insns", image.insns)); !done) return done.error();
    if (auto done = add(class_map("class_hash4", image, Family::kIpv4, EDGEFW_CLASSES_HASH)); !done)
        return done.error();
    if (auto done = add(class_map("class_hash6", image, Family::kIpv6, EDGEFW_CLASSES_HASH)); !done)
        return done.error();
    if (auto done = add(class_map("class_trie4", image, Family::kIpv4, EDGEFW_CLASSES_TRIE)); !done)
        return done.error();
    if (auto done = add(class_map("class_trie6", image, Family::kIpv6, EDGEFW_CLASSES_TRIE)); !done)
        return done.error();
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

Result<Generation> Generation::again(const std::string& directory, std::uint32_t number, const image::InForce& known,
                                     std::uint32_t retains_until, std::optional<std::uint32_t> shadow) {
    auto generation = open(directory);
    if (!generation) return generation.error();
    // As much of an image as its NAT needs.
    image::Image image;
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto config = generation->config(side);
        if (!config) return config.error();
        image.config[static_cast<std::size_t>(side)] = *config;
    }
    auto forwards = generation->forwards();
    if (!forwards) return forwards.error();
    // Those of the policy itself come before retired ones (image/forwards.h).
    std::stable_partition(forwards->begin(), forwards->end(),
                          [](const edgefw_forward& entry) { return (entry.flags & EDGEFW_FORWARD_RETIRED) == 0; });
    image.forwards_in.entries = std::move(*forwards);
    auto masquerades = elements_of<edgefw_masquerade>(generation->maps_[kMasquerades]);
    if (!masquerades) return masquerades.error();
    std::erase_if(*masquerades, [](const edgefw_masquerade& entry) { return entry.flags == 0; });  // an empty list
    image.masquerades = std::move(*masquerades);
    image::retire_forwards(image, known.forwards);
    image::inherit_state(image, known.kept, known.now);
    std::vector<edgefw_config> configs;
    for (edgefw_config& config : image.config) {
        if (config.repeats == 0) config.repeats = config.generation;
        // Who falls back has another policy in between.
        if (!shadow)
            config.unbroken_since = 0;
        else if (config.unbroken_since == 0)
            config.unbroken_since = config.generation;
        config.generation = number;
        config.retains_until = retains_until;
        if (shadow) config.shadow = *shadow;
        configs.push_back(config);
    }
    auto replace = [&](Part part, Result<Map> map) -> Result<Ok> {
        if (!map) return map.error();
        generation->maps_[part] = std::move(*map);
        return Ok{};
    };
    if (auto done = replace(kConfig, config_map(configs)); !done) return done.error();
    if (auto done = replace(kForwardsIn, filled_array("forwards_in", image.forwards_in.entries)); !done)
        return done.error();
    if (auto done = replace(kForwardsOut, filled_array("forwards_out", image.forwards_out.entries)); !done)
        return done.error();
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
Result<Generation::ClassTable> Generation::class_table(Family family) const {
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        auto configured = config(side);
        if (!configured) return configured.error();
        const std::uint32_t kind = configured->class_table[static_cast<std::size_t>(family)];
        const bool ipv4 = family == Family::kIpv4;
        // The kernel itself looks for the longest prefix in a trie.
        if (kind == EDGEFW_CLASSES_TRIE)
            return ClassTable{&maps_[ipv4 ? kClassTrie4 : kClassTrie6], {width_of(family)}};
        if (kind == EDGEFW_CLASSES_HASH)
            return ClassTable{&maps_[ipv4 ? kClassHash4 : kClassHash6], image::class_lengths(*configured, family)};
    }
    return ClassTable{};
}

Result<std::uint32_t> Generation::class_of(const Address& address) const {
    auto table = class_table(address.family);
    if (!table) return table.error();
    for (const int length : table->lengths) {
        const ClassKey key(Prefix::around(address, length));
        edgefw_class found = {};
        if (table->map->read(key.data(), &found)) return found.number;
    }
    return 0u;
}

Result<Ok> Generation::set_class(const Address& address, std::uint32_t number) const {
    auto table = class_table(address.family);
    if (!table) return table.error();
    if (table->map == nullptr) return Ok{};  // no rule asks for a class of this family
    const ClassKey key(Prefix::around(address, width_of(address.family)));
    const edgefw_class value = {number};
    return number == 0 ? table->map->erase(key.data()) : table->map->write(key.data(), &value);
}

Result<std::vector<edgefw_forward>> Generation::forwards() const {
    auto forwards = elements_of<edgefw_forward>(maps_[kForwardsIn]);
    if (forwards)
        std::erase_if(*forwards, [](const edgefw_forward& entry) { return (entry.flags & EDGEFW_FORWARD_USED) == 0; });
    return forwards;
}

std::vector<Binding> Generation::bindings() const {
    std::vector<Binding> bindings;
    for (int part = kNodes; part < kDocument; part++)
        bindings.push_back({kPartNames[part], maps_[static_cast<std::size_t>(part)].fd()});
    return bindings;
}

}  // namespace edgefw::kernel
