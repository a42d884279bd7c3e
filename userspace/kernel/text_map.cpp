// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/text_map.h"

#include <linux/bpf.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>

#include "userspace/base/sha256.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint32_t kPage = 4096;

// A text in elements of a page: its size and SHA-256 first. The digest tells a reader that nobody was writing,
// whichever library either was built with.
struct TextHead {
    std::uint64_t size = 0;
    char digest[64] = {};  // as sha256() writes it
};

Result<TextHead> head_of(const std::string& text) {
    const auto digest = sha256(text);
    if (!digest) return digest.error();
    TextHead head;
    head.size = text.size();
    digest->copy(head.digest, sizeof(head.digest));
    return head;
}

}  // namespace

Result<Ok> write_text(const Map& map, const std::string& text) {
    const auto head = head_of(text);
    if (!head) return head.error();
    std::string bytes(reinterpret_cast<const char*>(&*head), sizeof(*head));
    bytes += text;
    if (bytes.size() > std::size_t{map.max_entries()} * kPage) return failed("a text has no room in its map");
    return map.fill(bytes.data(), bytes.size());
}

Result<std::string> read_text(const Map& map) {
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; i++) {
        auto bytes = map.contents();
        if (!bytes) return bytes.error();
        TextHead head;
        std::memcpy(&head, bytes->data(), sizeof(head));
        if (head.size <= bytes->size() - sizeof(head)) {
            std::string text(reinterpret_cast<const char*>(bytes->data()) + sizeof(head), head.size);
            const auto own = head_of(text);
            if (!own) return own.error();
            if (std::memcmp(&*own, &head, sizeof(head)) == 0) return text;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return failed("what is pinned with the policy in force is not whole; push the policy again");
}

Result<Map> text_map(const char* name, const std::string& text, std::size_t room) {
    const std::size_t size = sizeof(TextHead) + text.size() + room;
    const auto chunks = static_cast<std::uint32_t>((size + kPage - 1) / kPage);
    auto map = Map::create({name, BPF_MAP_TYPE_ARRAY, 4, kPage, chunks, BPF_F_MMAPABLE});
    if (!map) return map.error();
    if (auto written = write_text(*map, text); !written) return written.error();
    return map;
}

}  // namespace edgefw::kernel
