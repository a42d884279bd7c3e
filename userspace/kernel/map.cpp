// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/map.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

std::size_t mapped_size(std::uint32_t value_size, std::uint32_t max_entries) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t value = (static_cast<std::size_t>(value_size) + 7) / 8 * 8;  // as the kernel lays arrays out
    return (value * max_entries + page - 1) / page * page;
}

int create_map(const MapSpec& spec, int inner) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = static_cast<__u32>(inner), .map_flags = spec.flags);
    return bpf_map_create(static_cast<bpf_map_type>(spec.type), spec.name, spec.key_size, spec.value_size,
                          spec.max_entries, &options);
}

}  // namespace

int cpus() {
    static const int count = libbpf_num_possible_cpus();
    return std::max(count, 1);
}

Result<Map> Map::create(const MapSpec& spec) {
    return adopt(spec, create_map(spec, 0));
}

Result<Map> Map::create_outer(const MapSpec& spec, const Map& inner) {
    return adopt(spec, create_map(spec, inner.fd()));
}

Result<Map> Map::adopt(const MapSpec& spec, int fd) {
    if (fd < 0) return system_error(std::string("creating the map ") + spec.name, errno);
    Map map;
    map.fd_ = Fd::own(fd);
    map.key_size_ = spec.key_size;
    map.value_size_ = spec.value_size;
    map.max_entries_ = spec.max_entries;
    return map;
}

Result<Map> Map::open_pinned(const std::string& path) {
    const int fd = bpf_obj_get(path.c_str());
    if (fd < 0) return system_error("opening the pinned map " + path, errno);
    Map map;
    map.fd_ = Fd::own(fd);
    bpf_map_info info = {};
    __u32 size = sizeof(info);
    if (bpf_map_get_info_by_fd(fd, &info, &size) != 0) return system_error("asking about the map " + path, errno);
    map.key_size_ = info.key_size;
    map.value_size_ = info.value_size;
    map.max_entries_ = info.max_entries;
    return map;
}

Result<Ok> Map::pin(const std::string& path) const {
    if (bpf_obj_pin(fd_.get(), path.c_str()) != 0) return system_error("pinning " + path, errno);
    return Ok{};
}

Result<Ok> Map::read(const void* key, void* value) const {
    if (bpf_map_lookup_elem(fd_.get(), key, value) != 0) return system_error("reading a map", errno);
    return Ok{};
}

Result<Ok> Map::write(const void* key, const void* value) const {
    if (bpf_map_update_elem(fd_.get(), key, value, BPF_ANY) != 0) return system_error("writing a map", errno);
    return Ok{};
}

std::uint32_t Map::id() const {
    bpf_map_info info = {};
    __u32 size = sizeof(info);
    return bpf_map_get_info_by_fd(fd_.get(), &info, &size) == 0 ? info.id : 0;
}

Result<bool> Map::insert(const void* key, const void* value) const {
    if (bpf_map_update_elem(fd_.get(), key, value, BPF_NOEXIST) == 0) return true;
    if (errno == EEXIST) return false;
    return system_error("writing a map", errno);
}

Result<bool> Map::remove(const void* key) const {
    if (bpf_map_delete_elem(fd_.get(), key) == 0) return true;
    if (errno == ENOENT) return false;
    return system_error("writing a map", errno);
}

Result<Ok> Map::erase(const void* key) const {
    if (bpf_map_delete_elem(fd_.get(), key) != 0 && errno != ENOENT) return system_error("writing a map", errno);
    return Ok{};
}

Result<Ok> Map::fill(const void* bytes, std::size_t size) const {
    if (size == 0) return Ok{};
    const std::size_t length = mapped_size(value_size_, max_entries_);
    if (size > length) return failed("a map is smaller than what it shall hold");
    void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (memory == MAP_FAILED) return system_error("mapping a map", errno);
    std::memcpy(memory, bytes, size);
    munmap(memory, length);
    return Ok{};
}

Result<std::vector<std::uint8_t>> Map::contents() const {
    const std::size_t length = mapped_size(value_size_, max_entries_);
    void* memory = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (memory == MAP_FAILED) return system_error("mapping a map", errno);
    const auto* first = static_cast<const std::uint8_t*>(memory);
    std::vector<std::uint8_t> bytes(first, first + length);
    munmap(memory, length);
    return bytes;
}

Result<Ok> Map::write_batch(const void* keys, const void* values, std::uint32_t count) const {
    __u32 done = count;
    if (count == 0 || bpf_map_update_batch(fd_.get(), keys, values, &done, nullptr) == 0) return Ok{};
    if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOTSUP && errno != 524)
        return system_error("filling a map", errno);
    // No batches for this kind of map in this kernel (524: the kernel's own ENOTSUPP).
    for (std::uint32_t i = 0; i < count; i++) {
        const auto* key = static_cast<const std::uint8_t*>(keys) + std::size_t{i} * key_size_;
        const auto* value = static_cast<const std::uint8_t*>(values) + std::size_t{i} * value_size_;
        if (auto wrote = write(key, value); !wrote) return wrote.error();
    }
    return Ok{};
}

Result<Ok> Map::read_all(std::uint32_t count,
                         const std::function<void(std::uint32_t, const std::uint8_t*)>& each) const {
    constexpr std::uint32_t kBatch = 1024;
    const std::size_t stride = (std::size_t{value_size_} + 7) / 8 * 8 * static_cast<std::size_t>(cpus());
    std::vector<std::uint32_t> keys(kBatch);
    std::vector<std::uint8_t> values(kBatch * stride);
    std::uint32_t cursor = 0, index = 0;
    const std::uint32_t* from = nullptr;
    while (index < count) {
        __u32 got = std::min(kBatch, count - index);
        const int result = bpf_map_lookup_batch(fd_.get(), const_cast<std::uint32_t*>(from), &cursor, keys.data(),
                                                values.data(), &got, nullptr);
        if (result != 0 && errno != ENOENT) return system_error("reading counters", errno);
        for (__u32 i = 0; i < got; i++)
            each(keys[i], values.data() + i * stride);
        index += got;
        from = &cursor;
        if (result != 0 || got == 0) break;  // ENOENT: that was the last batch
    }
    return Ok{};
}

Result<Ok> Map::for_each(const std::function<void(const std::uint8_t* key, const std::uint8_t* value)>& each) const {
    std::uint32_t room = 4096;
    std::vector<std::uint8_t> keys, values;
    __u32 cursor = 0;
    __u32* from = nullptr;
    while (true) {
        keys.resize(std::size_t{room} * key_size_);
        values.resize(std::size_t{room} * value_size_);
        __u32 got = room;
        __u32 next = 0;
        const int result = bpf_map_lookup_batch(fd_.get(), from, &next, keys.data(), values.data(), &got, nullptr);
        if (result != 0 && errno == ENOSPC) {  // a bucket holds more
            room *= 2;
            continue;
        }
        if (result != 0 && errno != ENOENT) return system_error("reading a table", errno);
        for (std::size_t i = 0; i < got; i++)
            each(keys.data() + i * key_size_, values.data() + i * value_size_);
        if (result != 0) return Ok{};  // ENOENT: that was the last batch
        cursor = next;
        from = &cursor;
    }
}

Result<Ok> Map::for_each_key(const std::function<void(const std::uint8_t* key)>& each) const {
    std::vector<std::uint8_t> key(key_size_), next(key_size_);
    const std::uint8_t* from = nullptr;
    while (bpf_map_get_next_key(fd_.get(), from, next.data()) == 0) {
        key = next;
        from = key.data();
        each(from);
    }
    if (errno != ENOENT) return system_error("reading a table", errno);
    return Ok{};
}

std::uint64_t Map::count() const {
    std::uint64_t entries = 0;
    (void)for_each([&](const std::uint8_t*, const std::uint8_t*) { entries++; });
    return entries;
}

void Map::clear() const {
    std::vector<std::uint8_t> key(key_size_);
    while (bpf_map_get_next_key(fd_.get(), nullptr, key.data()) == 0)
        bpf_map_delete_elem(fd_.get(), key.data());
}

}  // namespace edgefw::kernel
