// SPDX-License-Identifier: GPL-2.0-only
// What the data path calls in user space instead of the kernel (data_path.h).
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>

#include "userspace/simulator/data_path.h"
#include "userspace/simulator/instance.h"

namespace edgefw::simulator {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// Numbers of maps, the same in all instances, from 1.
std::uint32_t number_of(const char* name) {
    static std::mutex mutex;
    static std::unordered_map<std::string, std::uint32_t> numbers;
    const std::lock_guard lock(mutex);
    return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size() + 1)).first->second;
}

Table* table_behind(simulated_table* table) {
    return reinterpret_cast<Table*>(table);
}

std::uint64_t nanoseconds(clockid_t clock) {
    timespec now = {};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t tick() {
    timespec resolution = {};
    clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
    return resolution.tv_nsec > 0 ? static_cast<std::uint64_t>(resolution.tv_nsec) : 4'000'000;
}

// One's complement sums as the kernel's (include/net/checksum.h), so that both zeros come out alike.
std::uint32_t add32(std::uint32_t sum, std::uint32_t addend) {
    sum += addend;
    return sum + (sum < addend ? 1 : 0);
}

std::uint16_t add16(std::uint16_t sum, std::uint16_t addend) {
    sum = static_cast<std::uint16_t>(sum + addend);
    return static_cast<std::uint16_t>(sum + (sum < addend ? 1 : 0));
}

std::uint16_t folded(std::uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::uint32_t sum_of(const void* words, std::uint32_t size, std::uint32_t sum, std::uint32_t flip) {
    for (std::uint32_t at = 0; at + sizeof(std::uint32_t) <= size; at += sizeof(std::uint32_t)) {
        std::uint32_t word = 0;
        std::memcpy(&word, static_cast<const std::uint8_t*>(words) + at, sizeof(word));
        sum = add32(sum, word ^ flip);
    }
    return sum;
}

}  // namespace
}  // namespace edgefw::simulator

using namespace edgefw::simulator;

__thread simulated_instance* simulated = nullptr;

simulated_table* simulated_table_of(__u32* number, const simulated_map* map) {
    if (*number == 0) *number = number_of(map->name);
    auto* owner = static_cast<Instance*>(simulated->owner);
    return reinterpret_cast<simulated_table*>(owner->table(*number, *map));
}

void* simulated_lookup(simulated_table* table, const void* key) {
    return table == nullptr ? nullptr : table_behind(table)->find(key);
}

long simulated_update(simulated_table* table, const void* key, const void* value, __u64 flags) {
    return table == nullptr ? -EINVAL : table_behind(table)->update(key, value, flags);
}

long simulated_delete(simulated_table* table, const void* key) {
    return table == nullptr ? -EINVAL : table_behind(table)->erase(key);
}

__u64 simulated_ticks_now() {
    static const std::uint64_t length = tick();
    return nanoseconds(CLOCK_MONOTONIC_COARSE) / length;
}

__u64 simulated_nanoseconds_now() {
    return nanoseconds(CLOCK_MONOTONIC);
}

__u64 simulated_nanoseconds_about() {
    return nanoseconds(CLOCK_MONOTONIC_COARSE);
}

__u32 simulated_random_number() {
    static thread_local std::minstd_rand random{std::random_device{}()};
    return static_cast<__u32>(random() << 16 ^ random());
}

long simulated_checksum_difference(const void* from, __u32 from_size, const void* to, __u32 to_size, __u32 seed) {
    return sum_of(to, to_size, sum_of(from, from_size, seed, ~0u), 0);
}

long simulated_replace_checksum(simulated_frame* frame, __u32 offset, __u64 from, __u64 to, __u64 flags) {
    std::uint16_t checksum = 0;
    if (frame->data_end - frame->data < std::uint64_t{offset} + sizeof(checksum)) return -EFAULT;
    auto* place = reinterpret_cast<std::uint8_t*>(frame->data + offset);
    const bool avoids_zero = (flags & BPF_F_MARK_MANGLED_0) != 0;
    std::memcpy(&checksum, place, sizeof(checksum));
    if (avoids_zero && (flags & BPF_F_MARK_ENFORCE) == 0 && checksum == 0) return 0;
    switch (flags & BPF_F_HDR_FIELD_MASK) {
        case sizeof(std::uint16_t): {
            const auto without = add16(static_cast<std::uint16_t>(~checksum), static_cast<std::uint16_t>(~from));
            checksum = static_cast<std::uint16_t>(~add16(without, static_cast<std::uint16_t>(to)));
            break;
        }
        case sizeof(std::uint32_t): {
            const auto without = add32(~std::uint32_t{checksum}, ~static_cast<std::uint32_t>(from));
            checksum = folded(add32(without, static_cast<std::uint32_t>(to)));
            break;
        }
        default:
            return -EINVAL;
    }
    if (avoids_zero && checksum == 0) checksum = 0xffff;
    std::memcpy(place, &checksum, sizeof(checksum));
    return 0;
}
