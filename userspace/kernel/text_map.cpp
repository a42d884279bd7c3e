// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/text_map.h"

#include <linux/bpf.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>

#include "userspace/base/compress.h"
#include "userspace/base/sha256.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint32_t kPage = 4096;

// What stands before the frame in the elements of a page each. The digest tells a reader that nobody was writing and
// nothing is damaged: bytes that it does not vouch for are not decompressed.
struct TextHead {
    std::uint64_t size = 0;  // of the frame
    char digest[64] = {};    // of the frame, as sha256() writes it
};

Result<TextHead> head_of(std::string_view frame) {
    const auto digest = sha256(frame);
    if (!digest) return digest.error();
    TextHead head;
    head.size = frame.size();
    digest->copy(head.digest, sizeof(head.digest));
    return head;
}

// The bytes of a map that holds `text`.
Result<std::string> bytes_of(std::string_view text) {
    if (text.size() > kLongestText) {
        return failed("what is kept with the policy would be " + std::to_string(text.size() >> 20) +
                      " MiB long; at most " + std::to_string(kLongestText >> 20) + " MiB are: split the policy");
    }
    const auto frame = compress(text);
    if (!frame) return frame.error();
    const auto head = head_of(*frame);
    if (!head) return head.error();
    return std::string(reinterpret_cast<const char*>(&*head), sizeof(*head)) + *frame;
}

Error damaged(const std::string& why) {
    return failed("what is pinned with the policy in force is not readable (" + why + "): push the policy again");
}

}  // namespace

Result<Ok> write_text(const Map& map, std::string_view text) {
    const auto bytes = bytes_of(text);
    if (!bytes) return bytes.error();
    if (bytes->size() > std::size_t{map.max_entries()} * kPage) return failed("a text has no room in its map");
    return map.fill(bytes->data(), bytes->size());
}

Result<std::string> read_text(const Map& map) {
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; i++) {
        const auto bytes = map.contents();
        if (!bytes) return bytes.error();
        TextHead head;
        if (bytes->size() < sizeof(head)) return damaged("it is too short");
        std::memcpy(&head, bytes->data(), sizeof(head));
        if (head.size <= bytes->size() - sizeof(head)) {
            const std::string_view frame(reinterpret_cast<const char*>(bytes->data()) + sizeof(head), head.size);
            const auto own = head_of(frame);
            if (!own) return own.error();
            if (std::memcmp(&*own, &head, sizeof(head)) == 0) {
                auto text = decompress(frame, kLongestText);
                if (!text) return damaged(text.error().message);
                return text;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return damaged("it is not whole");
}

Result<Map> text_map(const char* name, std::string_view text, std::size_t room) {
    const auto bytes = bytes_of(text);
    if (!bytes) return bytes.error();
    const std::size_t later = room == 0 ? 0 : sizeof(TextHead) + longest_frame(text.size() + room);
    const std::size_t size = std::max(bytes->size(), later);
    const auto chunks = static_cast<std::uint32_t>((size + kPage - 1) / kPage);
    auto map = Map::create({name, BPF_MAP_TYPE_ARRAY, 4, kPage, chunks, BPF_F_MMAPABLE});
    if (!map) return map.error();
    if (auto filled = map->fill(bytes->data(), bytes->size()); !filled) return filled.error();
    return map;
}

}  // namespace edgefw::kernel
