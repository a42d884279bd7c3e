// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/simulator/judge.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "maps/classes.h"
#include "maps/decision.h"
#include "maps/limits.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/judgement.h"
#include "userspace/kernel/variant.h"
#include "userspace/simulator/instance.h"

namespace edgefw::simulator {
namespace {

constexpr std::size_t kAlign = 2;  // the IP header behind an Ethernet header lies on a multiple of 4

template <typename Value>
void fill(Filled& maps, const char* name, const std::vector<Value>& values) {
    const simulated_map map = {name, BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(Value), 1};
    std::shared_ptr<Table> table = Table::create(map, values.size());
    for (std::uint32_t i = 0; i < values.size(); ++i)
        table->update(&i, &values[i], BPF_ANY);
    maps[name] = std::move(table);
}

template <typename Key>
void fill_classes(Filled& maps, const char* name, std::uint32_t type, const std::vector<image::ClassPrefix>& classes) {
    const simulated_map map = {name, type, sizeof(Key), sizeof(edgefw_class), 1};
    std::shared_ptr<Table> table = Table::create(map, classes.size());
    for (const image::ClassPrefix& entry : classes) {
        const auto address = entry.prefix.address.bytes();
        const edgefw_class value = {entry.number};
        Key key = {};
        key.length = static_cast<__u32>(entry.prefix.length);
        std::memcpy(&key.address, address.data(), sizeof(key.address));
        table->update(&key, &value, BPF_ANY);
    }
    maps[name] = std::move(table);
}

// Of the tables of a family the image uses one, or none.
bool uses(const image::Image& image, Family family, edgefw_class_table table) {
    const auto index = static_cast<std::size_t>(family);
    return std::any_of(std::begin(image.config), std::end(image.config),
                       [&](const edgefw_config& config) { return config.class_table[index] == table; });
}

// What a push would write into the maps of a generation.
Filled maps_of(const image::Image& image) {
    const auto& classes4 = image.classes[EDGEFW_IPV4];
    const auto& classes6 = image.classes[EDGEFW_IPV6];
    Filled maps;
    fill(maps, "nodes", image.nodes);
    fill(maps, "insns", image.insns);
    fill(maps, "forwards_in", image.forwards_in.entries);
    fill(maps, "forwards_out", image.forwards_out.entries);
    fill(maps, "masquerades", image.masquerades);
    if (uses(image, Family::kIpv4, EDGEFW_CLASSES_HASH))
        fill_classes<edgefw_prefix4>(maps, "class_hash4", BPF_MAP_TYPE_HASH, classes4);
    if (uses(image, Family::kIpv4, EDGEFW_CLASSES_TRIE))
        fill_classes<edgefw_prefix4>(maps, "class_trie4", BPF_MAP_TYPE_LPM_TRIE, classes4);
    if (uses(image, Family::kIpv6, EDGEFW_CLASSES_HASH))
        fill_classes<edgefw_prefix6>(maps, "class_hash6", BPF_MAP_TYPE_HASH, classes6);
    if (uses(image, Family::kIpv6, EDGEFW_CLASSES_TRIE))
        fill_classes<edgefw_prefix6>(maps, "class_trie6", BPF_MAP_TYPE_LPM_TRIE, classes6);
    return maps;
}

// As kernel::Judge sizes its private tables.
Entries sizes(const image::Slots& slots, std::uint32_t connections) {
    std::size_t counters = EDGEFW_SLOT_FIRST_RULE;
    for (const auto& [id, slot] : slots)
        counters = std::max<std::size_t>(counters, slot + 1);
    const std::size_t datagrams = std::min<std::uint32_t>(connections, EDGEFW_DATAGRAMS_DEFAULT);
    const std::size_t openings = std::min<std::uint32_t>(connections, EDGEFW_OPENINGS_DEFAULT);
    return {{"counters", counters},        {"connections4", connections}, {"connections6", connections},
            {"datagrams4", datagrams},     {"datagrams6", datagrams},     {"openings4", openings},
            {"openings6", openings},       {"publics4", connections},     {"public_datagrams4", datagrams},
            {"public_openings4", openings}};
}

}  // namespace

struct Judge::State {
    explicit State(const image::Slots& slots) : names(slots) {}

    kernel::SlotNames names;
    std::optional<Instance> side[EDGEFW_SIDES];
    std::vector<std::uint8_t> frame;
};

Judge::Judge(std::unique_ptr<State> state) : state_(std::move(state)) {}
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;
Judge::~Judge() = default;

Result<Judge> Judge::of(const kernel::Compiled& policy, std::uint32_t connections) {
    image::Image image = policy.image;
    const auto slots = image::assign_slots(image, {});
    if (!slots) return slots.error();
    const Filled maps = maps_of(image);
    auto state = std::make_unique<State>(*slots);
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        const edgefw_config constants = kernel::specialised(kernel::config_of(image, side, 1), kernel::explaining());
        state->side[static_cast<std::size_t>(side)].emplace(constants, maps, sizes(*slots, connections));
    }
    return Judge(std::move(state));
}

Result<kernel::Judgement> Judge::judge(policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame,
                                       bool keep_frame) {
    Instance& instance = *state_->side[static_cast<std::size_t>(side)];
    std::vector<std::uint8_t>& copy = state_->frame;
    copy.resize(kAlign + frame.size());
    std::copy(frame.begin(), frame.end(), copy.begin() + kAlign);
    instance.run(hook, copy.data() + kAlign, frame.size());
    if (!instance.unknown().empty()) return failed("user space has no map of the kind of " + instance.unknown());
    const std::uint32_t zero = 0;
    Table* record = instance.find("decision");
    if (record == nullptr) return failed("the program left no record of its decision");
    edgefw_decision decision = {};
    std::memcpy(&decision, record->find(&zero), sizeof(decision));
    kernel::Judgement judgement = state_->names.judgement_of(decision);
    if (keep_frame) judgement.frame.assign(copy.begin() + kAlign, copy.end());
    return judgement;
}

Result<Ok> Judge::forget() {
    for (auto& instance : state_->side)
        instance->forget();
    return Ok{};
}

}  // namespace edgefw::simulator
