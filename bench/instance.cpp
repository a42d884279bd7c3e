// SPDX-License-Identifier: GPL-2.0-only
#include "bench/instance.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "maps/limits.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"

namespace edgefw::bench {
namespace {

Result<Ok> take(kernel::Map& to, Result<kernel::Map> from) {
    if (!from) return from.error();
    to = std::move(*from);
    return Ok{};
}

Result<std::uint64_t> sum_of_memory(const std::vector<kernel::Binding>& maps) {
    std::uint64_t sum = 0;
    for (const auto& map : maps) {
        auto bytes = memory_of(map.fd);
        if (!bytes) return bytes.error();
        sum += *bytes;
    }
    return sum;
}

}  // namespace

Result<std::uint64_t> memory_of(int map) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(map));
    for (std::string name; info >> name;) {
        std::uint64_t bytes = 0;
        if (name == "memlock:" && info >> bytes) return bytes;
    }
    return failed("the kernel does not say how large a map is");
}

namespace {

void set_recording(edgefw_config& config, Recording recording, std::uint32_t records) {
    constexpr std::uint32_t kNever = 86400;  // seconds until there is a token again
    if (recording == Recording::kOff) return;
    kernel::Variant variant;
    variant.records = records;
    config = kernel::specialised(config, variant);
    config.record_interval = recording == Recording::kBucketEmpty ? kernel::jiffies_of(kNever) : 0;
    config.record_window = recording == Recording::kCounts ? kernel::jiffies_of(kNever) : 0;
}

}  // namespace

Result<Instance> Instance::load(const policy::Policy& policy, std::uint32_t connections, Recording recording) {
    auto image = image::compile(policy);
    if (!image) return image.error();
    auto slots = image::assign_slots(*image, {});
    if (!slots) return slots.error();
    auto generation = kernel::Generation::create(*image, "{}", 1);
    if (!generation) return generation.error();
    policy::Capacity capacity = kernel::capacity_of(connections);
    if (recording != Recording::kOff) capacity.record_bytes = EDGEFW_RECORD_BYTES_DEFAULT;
    auto card = kernel::CardMaps::create(capacity, kernel::Generation::slots_needed(*slots));
    if (!card) return card.error();
    Instance instance(std::move(*card), std::move(*generation));

    auto config = instance.generation_.config(policy::Side::kExternal);
    if (!config) return config.error();
    set_recording(*config, recording, instance.card_.records());
    std::vector<kernel::Binding> bindings = instance.card_.bindings();
    const auto rules = instance.generation_.bindings();
    bindings.insert(bindings.end(), rules.begin(), rules.end());
    auto judging = kernel::load_judge(*config, bindings);
    if (!judging) return judging.error();
    instance.judging_ = std::move(*judging);
    if (auto loaded = instance.load_entry(); !loaded) return loaded.error();
    return instance;
}

// As attach and push leave a card: bank 0 judges.
Result<Ok> Instance::load_entry() {
    const kernel::MapSpec slots = {"programs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, EDGEFW_BANKS};
    const kernel::MapSpec active = {"active", BPF_MAP_TYPE_ARRAY, 4, 8, 1};
    if (auto made = take(active_, kernel::Map::create(active)); !made) return made.error();
    if (auto made = take(received_slots_, kernel::Map::create(slots)); !made) return made.error();
    if (auto made = take(sent_slots_, kernel::Map::create(slots)); !made) return made.error();
    if (auto set = judge_with(judging_.received.get(), judging_.sent.get()); !set) return set.error();
    auto entry = kernel::load_entry({{"active", active_.fd()},
                                     {"received", received_slots_.fd()},
                                     {"sent", sent_slots_.fd()},
                                     {"reasons", card_.reasons.fd()}});
    if (!entry) return entry.error();
    entry_ = std::move(*entry);
    return Ok{};
}

Result<Ok> Instance::judge_with(int received, int sent) const {
    if (auto set = received_slots_.set(0, received); !set) return set.error();
    return sent_slots_.set(0, sent);
}

Result<packet::Packet> Instance::pass(const packet::Packet& packet) const {
    const int program = packet.hook() == EDGEFW_RECEIVED ? received() : sent();
    auto left = run_once(program, packet::frame(packet));
    if (!left) return left.error();
    return packet::with_ends_of(packet, *left);
}

Result<Ok> Instance::settle() const {
    std::vector<std::pair<edgefw_connection4_key, edgefw_connection>> all;
    auto read = card_.openings4.for_each([&](const std::uint8_t* key, const std::uint8_t* value) {
        auto& [ends, connection] = all.emplace_back();
        std::memcpy(&ends, key, sizeof(ends));
        std::memcpy(&connection, value, sizeof(connection));
        connection.opened -= kernel::jiffies_of(EDGEFW_SETTLED_SECONDS);
    });
    if (!read) return read;
    for (const auto& [ends, connection] : all) {
        if (auto wrote = card_.openings4.write(&ends, &connection); !wrote) return wrote;
    }
    return Ok{};
}

Result<Ok> Instance::forget() const {
    for (const kernel::Map* table : card_.tables()) {
        bpf_map_info info = {};
        __u32 size = sizeof(info), count = 0;
        if (bpf_map_get_info_by_fd(table->fd(), &info, &size) != 0) return failed("the kernel does not describe a map");
        std::vector<std::uint8_t> keys;
        auto read = table->for_each([&](const std::uint8_t* key, const std::uint8_t*) {
            keys.insert(keys.end(), key, key + info.key_size);
            count++;
        });
        if (!read) return read;
        if (count != 0 && bpf_map_delete_batch(table->fd(), keys.data(), &count, nullptr) != 0)
            return failed(std::string("cannot empty a connection table: ") + std::strerror(errno));
    }
    return Ok{};
}

Result<std::uint64_t> Instance::count(const Outcome& outcome) const {
    const std::uint32_t index =
        (outcome.hook * 2u + static_cast<std::uint32_t>(outcome.verdict)) * EDGEFW_REASON_COUNT + outcome.reason;
    std::vector<edgefw_reason_counter> counters(static_cast<std::size_t>(kernel::cpus()));
    if (auto read = card_.reasons.read(&index, counters.data()); !read) return read.error();
    std::uint64_t sum = 0;
    for (const auto& counter : counters)
        sum += counter.packets;
    return sum;
}

Result<std::uint64_t> Instance::rule_bytes() const {
    return sum_of_memory(generation_.bindings());
}

Result<std::uint64_t> Instance::card_bytes() const {
    return sum_of_memory(card_.bindings());
}

}  // namespace edgefw::bench
