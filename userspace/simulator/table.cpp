// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/simulator/table.h"

#include <linux/bpf.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <random>
#include <set>

namespace edgefw::simulator {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kChunk = 256;  // entries that are allocated at once

std::size_t in_words(std::size_t bytes) {
    return (bytes + kWord - 1) / kWord;
}

class Array : public Table {
public:
    Array(std::size_t value_size, std::size_t entries)
        : words_(in_words(value_size)), size_(value_size), entries_(entries), values_(words_ * entries) {}

    void* find(const void* key) override {
        const std::uint32_t index = index_of(key);
        return index < entries_ ? &values_[index * words_] : nullptr;
    }
    long update(const void* key, const void* value, std::uint64_t flags) override {
        void* place = find(key);
        if (place == nullptr) return -E2BIG;
        if (flags == BPF_NOEXIST) return -EEXIST;
        std::memcpy(place, value, size_);
        return 0;
    }
    long erase(const void*) override { return -EINVAL; }
    void clear() override { std::fill(values_.begin(), values_.end(), 0); }

private:
    static std::uint32_t index_of(const void* key) {
        std::uint32_t index = 0;
        std::memcpy(&index, key, sizeof(index));
        return index;
    }

    std::size_t words_;
    std::size_t size_;
    std::size_t entries_;
    std::vector<std::uint64_t> values_;
};

// Whoever sends packets chooses the keys: a seed that nobody knows keeps them from meeting in one bucket.
std::uint64_t seed() {
    static const std::uint64_t value = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    return value;
}

class Hash : public Table {
public:
    Hash(std::size_t key_size, std::size_t value_size, std::size_t entries, bool recycles)
        : key_size_(key_size),
          value_size_(value_size),
          key_words_(in_words(key_size)),
          entry_words_(in_words(sizeof(Entry)) + key_words_ + in_words(value_size)),
          room_(entries),
          recycles_(recycles),
          buckets_(64) {
        oldest_.older = oldest_.newer = &oldest_;
    }

    void* find(const void* key) override {
        Entry* entry = entry_of(key, hash_of(key));
        if (entry == nullptr) return nullptr;
        if (recycles_) renew(*entry);
        return value_of(entry);
    }

    long update(const void* key, const void* value, std::uint64_t flags) override {
        const std::uint64_t hash = hash_of(key);
        Entry* entry = entry_of(key, hash);
        if (entry != nullptr && flags == BPF_NOEXIST) return -EEXIST;
        if (entry == nullptr && flags == BPF_EXIST) return -ENOENT;
        // In a place of its own, as the kernel does it: who holds the old value keeps it.
        if (entry != nullptr) remove(*entry);
        if (used_ == room_) {
            if (!recycles_) return -E2BIG;
            remove(*oldest_.newer);
        }
        entry = take();
        entry->hash = hash;
        std::memcpy(key_of(entry), key, key_size_);
        std::memcpy(value_of(entry), value, value_size_);
        insert(*entry);
        return 0;
    }

    long erase(const void* key) override {
        Entry* entry = entry_of(key, hash_of(key));
        if (entry == nullptr) return -ENOENT;
        remove(*entry);
        return 0;
    }

    void clear() override {
        while (oldest_.newer != &oldest_)
            remove(*oldest_.newer);
    }

private:
    // Followed by key and value, each in whole words.
    struct Entry {
        Entry* next = nullptr;  // of the bucket, or of the free ones
        Entry* older = nullptr;
        Entry* newer = nullptr;
        std::uint64_t hash = 0;
    };

    std::uint64_t* key_of(Entry* entry) const {
        return reinterpret_cast<std::uint64_t*>(entry) + in_words(sizeof(Entry));
    }
    void* value_of(Entry* entry) const { return key_of(entry) + key_words_; }

    std::uint64_t hash_of(const void* key) const {
        std::uint64_t hash = seed();
        const auto* bytes = static_cast<const std::uint8_t*>(key);
        for (std::size_t at = 0; at < key_size_; at += kWord) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes + at, std::min(kWord, key_size_ - at));
            const auto product = static_cast<unsigned __int128>(hash ^ word) * 0x9e3779b97f4a7c15u;
            hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ seed();
        }
        return hash ^ hash >> 32;
    }

    Entry*& bucket_of(std::uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }

    Entry* entry_of(const void* key, std::uint64_t hash) {
        for (Entry* entry = bucket_of(hash); entry != nullptr; entry = entry->next) {
            if (entry->hash == hash && std::memcmp(key_of(entry), key, key_size_) == 0) return entry;
        }
        return nullptr;
    }

    void unlink(Entry& entry) {
        entry.older->newer = entry.newer;
        entry.newer->older = entry.older;
    }
    void link_as_newest(Entry& entry) {
        entry.older = oldest_.older;
        entry.newer = &oldest_;
        oldest_.older->newer = &entry;
        oldest_.older = &entry;
    }
    void renew(Entry& entry) {
        unlink(entry);
        link_as_newest(entry);
    }

    void insert(Entry& entry) {
        if (used_ >= buckets_.size()) grow();
        Entry*& bucket = bucket_of(entry.hash);
        entry.next = bucket;
        bucket = &entry;
        link_as_newest(entry);
        ++used_;
    }

    void remove(Entry& entry) {
        Entry** link = &bucket_of(entry.hash);
        while (*link != &entry)
            link = &(*link)->next;
        *link = entry.next;
        unlink(entry);
        entry.next = free_;
        free_ = &entry;
        --used_;
    }

    void grow() {
        std::vector<Entry*> wider(buckets_.size() * 2);
        buckets_.swap(wider);
        for (Entry* entry = oldest_.newer; entry != &oldest_; entry = entry->newer) {
            Entry*& bucket = bucket_of(entry->hash);
            entry->next = bucket;
            bucket = entry;
        }
    }

    // The entry that was freed last, as the kernel may hand it out.
    Entry* take() {
        if (free_ == nullptr) {
            auto& chunk = chunks_.emplace_back(std::make_unique<std::uint64_t[]>(entry_words_ * kChunk));
            for (std::size_t i = 0; i < kChunk; ++i) {
                auto* entry = new (chunk.get() + i * entry_words_) Entry;
                entry->next = free_;
                free_ = entry;
            }
        }
        Entry* entry = free_;
        free_ = entry->next;
        return entry;
    }

    std::size_t key_size_;
    std::size_t value_size_;
    std::size_t key_words_;
    std::size_t entry_words_;
    std::size_t room_;
    bool recycles_;
    std::size_t used_ = 0;
    std::vector<Entry*> buckets_;
    std::vector<std::unique_ptr<std::uint64_t[]>> chunks_;
    Entry* free_ = nullptr;
    Entry oldest_;  // of no bucket: its `newer` is the oldest entry, its `older` the newest
};

// A hash for each length that is in use.
class Trie : public Table {
public:
    Trie(std::size_t key_size, std::size_t value_size, std::size_t entries)
        : key_size_(key_size),
          bits_((key_size - sizeof(std::uint32_t)) * 8),
          entries_(key_size, value_size, entries, false) {}

    void* find(const void* key) override {
        const std::uint32_t most = length_of(key);
        for (const std::uint32_t length : lengths_) {
            if (length > most) continue;
            void* value = entries_.find(cut(key, length).data());
            if (value != nullptr) return value;
        }
        return nullptr;
    }
    long update(const void* key, const void* value, std::uint64_t flags) override {
        const std::uint32_t length = length_of(key);
        if (length > bits_) return -EINVAL;
        const long result = entries_.update(cut(key, length).data(), value, flags);
        if (result == 0) lengths_.insert(length);
        return result;
    }
    long erase(const void* key) override {
        return entries_.erase(
            cut(key, std::min<std::uint32_t>(length_of(key), static_cast<std::uint32_t>(bits_))).data());
    }
    void clear() override {
        entries_.clear();
        lengths_.clear();
    }

private:
    static std::uint32_t length_of(const void* key) {
        std::uint32_t length = 0;
        std::memcpy(&length, key, sizeof(length));
        return length;
    }

    // The key of the first `length` bits.
    std::vector<std::uint8_t> cut(const void* key, std::uint32_t length) const {
        const auto* bytes = static_cast<const std::uint8_t*>(key);
        std::vector<std::uint8_t> prefix(bytes, bytes + key_size_);
        std::memcpy(prefix.data(), &length, sizeof(length));
        for (std::size_t bit = length; bit < bits_; ++bit)
            prefix[sizeof(length) + bit / 8] &= static_cast<std::uint8_t>(~(0x80 >> bit % 8));
        return prefix;
    }

    std::size_t key_size_;
    std::size_t bits_;
    Hash entries_;
    std::set<std::uint32_t, std::greater<>> lengths_;
};

}  // namespace

std::unique_ptr<Table> Table::create(const simulated_map& map, std::size_t entries) {
    const std::size_t room = std::max<std::size_t>(entries, 1);
    switch (map.type) {
        case BPF_MAP_TYPE_ARRAY:
        case BPF_MAP_TYPE_PERCPU_ARRAY:
            return std::make_unique<Array>(map.value_size, room);
        case BPF_MAP_TYPE_HASH:
            return std::make_unique<Hash>(map.key_size, map.value_size, room, false);
        case BPF_MAP_TYPE_LRU_HASH:
            return std::make_unique<Hash>(map.key_size, map.value_size, room, true);
        case BPF_MAP_TYPE_LPM_TRIE:
            return std::make_unique<Trie>(map.key_size, map.value_size, room);
        default:
            return nullptr;
    }
}

}  // namespace edgefw::simulator
