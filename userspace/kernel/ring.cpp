// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/ring.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include "maps/limits.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/registry.h"

namespace edgefw::kernel {
namespace {

constexpr std::size_t kRecord = sizeof(edgefw_record);

// The ring where it lies.
class Mapped {
public:
    static Result<Mapped> of(const Map& ring) {
        Mapped mapped;
        mapped.size_ = std::size_t{ring.max_entries()} * kRecord;
        void* memory = mmap(nullptr, mapped.size_, PROT_READ, MAP_SHARED, ring.fd(), 0);
        if (memory == MAP_FAILED) return system_error("mapping the ring of records", errno);
        mapped.memory_ = static_cast<std::uint8_t*>(memory);
        return mapped;
    }
    Mapped(Mapped&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_) {}
    Mapped& operator=(Mapped&&) = delete;
    ~Mapped() {
        if (memory_ != nullptr) munmap(memory_, size_);
    }

    // Nothing where none was written, or where it is being written. The writer makes the number odd before it stores
    // anything, and even after it.
    std::optional<edgefw_record> at(std::uint32_t index) const {
        constexpr int kTries = 3;
        std::uint8_t* place = memory_ + std::size_t{index} * kRecord;
        auto* sequence = reinterpret_cast<std::uint32_t*>(place);
        for (int i = 0; i < kTries; i++) {
            const std::uint32_t before = __atomic_load_n(sequence, __ATOMIC_ACQUIRE);
            if (before == 0) return std::nullopt;
            if ((before & 1) != 0) continue;
            edgefw_record record;
            std::memcpy(&record, place, kRecord);
            std::atomic_thread_fence(std::memory_order_acquire);
            if (__atomic_load_n(sequence, __ATOMIC_RELAXED) == before) return record;
        }
        return std::nullopt;
    }

private:
    Mapped() = default;
    std::uint8_t* memory_ = nullptr;
    std::size_t size_ = 0;
};

std::uint32_t rare_of(std::uint32_t records) {
    return records / EDGEFW_RECORD_RARE_SHARE;
}

// Copies one part of a processor's records, oldest first. Returns where the next one goes.
std::uint32_t copy_part(const Mapped& from, std::uint32_t first, std::uint32_t count, edgefw_record* to,
                        std::uint32_t room) {
    std::vector<edgefw_record> records;
    for (std::uint32_t i = 0; i < count; i++) {
        if (const auto record = from.at(first + i)) records.push_back(*record);
    }
    std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    if (records.size() > room) records.erase(records.begin(), records.end() - room);
    std::copy(records.begin(), records.end(), to);
    return room == 0 ? 0 : static_cast<std::uint32_t>(records.size()) % room;
}

}  // namespace

std::uint32_t ring_records(std::uint32_t bytes) {
    const auto most = static_cast<std::uint32_t>(EDGEFW_RECORD_BYTES_MAX / cpus());
    return std::min(bytes, most) / static_cast<std::uint32_t>(kRecord);
}

Result<Map> create_ring(std::uint32_t bytes) {
    return create_map("drops", std::size_t{ring_records(bytes)} * static_cast<std::size_t>(cpus()));
}

std::uint32_t records_of(const Map& ring) {
    // A ring of one element is one in which nothing has a place.
    return ring.max_entries() == 1 ? 0 : ring.max_entries() / static_cast<std::uint32_t>(cpus());
}

Result<Ok> read_ring(const Map& ring, const std::function<void(std::uint32_t, const edgefw_record&)>& each) {
    const auto mapped = Mapped::of(ring);
    if (!mapped) return mapped.error();
    for (std::uint32_t index = 0; index < ring.max_entries(); index++) {
        if (const auto record = mapped->at(index)) each(index, *record);
    }
    return Ok{};
}

Result<Ok> copy_ring(const Map& from, const Map& to, const Map& recorders) {
    const auto mapped = Mapped::of(from);
    if (!mapped) return mapped.error();
    const std::uint32_t before = records_of(from), now = records_of(to);
    std::vector<edgefw_record> ring(to.max_entries());
    std::vector<edgefw_recorder> writers(static_cast<std::size_t>(cpus()));
    for (std::uint32_t cpu = 0; cpu < writers.size(); cpu++) {
        edgefw_record* part = ring.data() + std::size_t{cpu} * now;
        const std::uint32_t common = before - rare_of(before), room = now - rare_of(now);
        writers[cpu].next = copy_part(*mapped, cpu * before, common, part, room);
        writers[cpu].rare_next = copy_part(*mapped, cpu * before + common, rare_of(before), part + room, rare_of(now));
    }
    if (auto filled = to.fill(ring.data(), ring.size() * kRecord); !filled) return filled.error();
    const std::uint32_t zero = 0;
    return recorders.write(&zero, writers.data());
}

}  // namespace edgefw::kernel
