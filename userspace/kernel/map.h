// SPDX-License-Identifier: GPL-2.0-only
// One BPF map: an owned descriptor with the calls edgefw makes on it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"

namespace edgefw::kernel {

struct MapSpec {
    const char* name;  // up to 15 bytes: what bpftool shows
    std::uint32_t type;
    std::uint32_t key_size;
    std::uint32_t value_size;
    std::uint32_t max_entries;
    std::uint32_t flags = 0;
};

class Map {
public:
    static Result<Map> create(const MapSpec& spec);
    // A map whose elements are maps like `inner`.
    static Result<Map> create_outer(const MapSpec& spec, const Map& inner);
    static Result<Map> open_pinned(const std::string& path);

    Result<Ok> pin(const std::string& path) const;
    int fd() const { return fd_.get(); }  // -1: there is none
    std::uint32_t id() const;             // the kernel's number of the map; 0: unknown
    std::uint32_t max_entries() const { return max_entries_; }
    std::uint32_t key_size() const { return key_size_; }
    std::uint32_t value_size() const { return value_size_; }

    Result<Ok> read(const void* key, void* value) const;  // per-CPU maps: value holds cpus() values
    Result<Ok> write(const void* key, const void* value) const;
    // False: the key has an element, which stays.
    Result<bool> insert(const void* key, const void* value) const;
    // Also where there is no such element.
    Result<Ok> erase(const void* key) const;
    // False: there was no such element.
    Result<bool> remove(const void* key) const;
    // Element `index` of an array map.
    template <typename Value>
    Result<Value> at(std::uint32_t index) const {
        Value value{};
        if (auto done = read(&index, &value); !done) return done.error();
        return value;
    }
    template <typename Value>
    Result<Ok> set(std::uint32_t index, const Value& value) const {
        return write(&index, &value);
    }

    // Fills or reads a BPF_F_MMAPABLE array from its first byte on: one copy, however many elements.
    Result<Ok> fill(const void* bytes, std::size_t size) const;
    Result<std::vector<std::uint8_t>> contents() const;

    // Hands each element of a per-CPU array, from the first to `count`, to `each`: cpus() values side by side.
    Result<Ok> read_all(std::uint32_t count,
                        const std::function<void(std::uint32_t index, const std::uint8_t* values)>& each) const;

    // Hands each element of a hash map to `each`. Elements that come or go meanwhile may be among them or not.
    Result<Ok> for_each(const std::function<void(const std::uint8_t* key, const std::uint8_t* value)>& each) const;

    // Hands the key of each element of a hash map to `each`, also of a per-CPU one. None may be removed meanwhile.
    Result<Ok> for_each_key(const std::function<void(const std::uint8_t* key)>& each) const;

    // Writes `count` keys and values that lie side by side, in one call where the kernel can.
    Result<Ok> write_batch(const void* keys, const void* values, std::uint32_t count) const;

    // Elements of a hash map, by a walk.
    std::uint64_t count() const;
    void clear() const;

private:
    static Result<Map> adopt(const MapSpec& spec, int fd);  // as the kernel answered

    Fd fd_;
    std::uint32_t key_size_ = 0;
    std::uint32_t value_size_ = 0;
    std::uint32_t max_entries_ = 0;
};

// Possible CPUs: how many values a per-CPU map has for each key.
int cpus();

}  // namespace edgefw::kernel
