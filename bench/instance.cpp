#include "bench/instance.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "bench/baseline.h"
#include "bench/driver.h"
#include "maps/limits.h"
#include "userspace/image/image.h"

namespace edgefw::bench {
namespace {

Result<Ok> take(kernel::Map& to, Result<kernel::Map> from) {
    if (!from) return from.error();
    to = std::move(*from);
    return Ok{};
}

// What the kernel says a map takes.
Result<std::uint64_t> memory_of(int map) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(map));
    for (std::string name; info >> name;) {
        std::uint64_t bytes = 0;
        if (name == "memlock:" && info >> bytes) return bytes;
    }
    return failed("the kernel does not say how large a map is");
}

Result<std::uint64_t> memory_of(const std::vector<kernel::Binding>& maps) {
    std::uint64_t sum = 0;
    for (const auto& map : maps) {
        auto bytes = memory_of(map.fd);
        if (!bytes) return bytes.error();
        sum += *bytes;
    }
    return sum;
}

}  // namespace

Result<Instance> Instance::load(const policy::Policy& policy) {
    auto image = image::compile(policy);
    if (!image) return image.error();
    auto slots = image::assign_slots(*image, {});
    if (!slots) return slots.error();
    auto generation = kernel::Generation::create(*image, "{}", 1);
    if (!generation) return generation.error();
    auto card = kernel::CardMaps::create(EDGEFW_CONNECTIONS_DEFAULT, kernel::Generation::slots_needed(*slots));
    if (!card) return card.error();
    Instance instance(std::move(*card), std::move(*generation));

    auto config = instance.generation_.config(policy::Side::kExternal);
    if (!config) return config.error();
    std::vector<kernel::Binding> bindings = instance.card_.bindings();
    const auto rules = instance.generation_.bindings();
    bindings.insert(bindings.end(), rules.begin(), rules.end());
    auto judging = kernel::load_judge(*config, bindings);
    if (!judging) return judging.error();
    instance.judging_ = std::move(*judging);
    if (auto loaded = instance.load_entry(); !loaded) return loaded.error();
    return instance;
}

// As attach and push leave a card: slot 0 judges.
Result<Ok> Instance::load_entry() {
    const kernel::MapSpec slots = {"programs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2};
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

Result<Ok> Instance::pass(const packet::Packet& packet) const {
    const int program = packet.hook() == EDGEFW_RECEIVED ? received() : sent();
    auto ran = test_run(program, packet::frame(packet), 1);
    if (!ran) return ran.error();
    return Ok{};
}

Result<Ok> Instance::forget(const packet::Packet& syn, std::uint32_t ports) const {
    std::vector<edgefw_connection4_key> keys(ports);
    for (std::uint32_t i = 0; i < ports; i++) {
        packet::Packet from = syn;
        from.source_port = static_cast<std::uint16_t>(Driver::kFirstPort + i);
        keys[i] = key_of(from);
    }
    __u32 count = ports;
    if (bpf_map_delete_batch(card_.openings4.fd(), keys.data(), &count, nullptr) == 0) return Ok{};
    return failed(std::string("cannot empty the connection table: ") + std::strerror(errno));
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
    return memory_of(generation_.bindings());
}

Result<std::uint64_t> Instance::card_bytes() const {
    return memory_of(card_.bindings());
}

}  // namespace edgefw::bench
