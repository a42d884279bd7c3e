// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/bytes.h"

#include <type_traits>
#include <vector>

#include "userspace/image/hosts.h"

namespace edgefw::image {
namespace {

// The structs of maps/ have no padding.
template <typename Value>
void append(std::string& bytes, const Value* values, std::size_t count) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes.append(std::to_string(count)).push_back(' ');
    bytes.append(reinterpret_cast<const char*>(values), count * sizeof(Value));
}

template <typename Value>
void append(std::string& bytes, const std::vector<Value>& values) {
    append(bytes, values.data(), values.size());
}

void append(std::string& bytes, const std::vector<std::string>& texts) {
    bytes.append(std::to_string(texts.size())).push_back(' ');
    for (const std::string& text : texts)
        append(bytes, text.data(), text.size());
}

void append(std::string& bytes, const ForwardTable& table) {
    append(bytes, table.entries);
    append(bytes, &table.mask, 1);
    append(bytes, &table.seed, 1);
}

}  // namespace

std::string bytes_of(const Image& image) {
    std::string bytes;
    append(bytes, image.config, EDGEFW_SIDES);
    append(bytes, image.timeout_seconds, EDGEFW_STATE_COUNT);
    append(bytes, &image.capacity, 1);
    append(bytes, image.nodes);
    append(bytes, image.insns);
    for (const auto& classes : image.classes) {
        bytes.append(std::to_string(classes.size())).push_back(' ');
        for (const ClassPrefix& entry : classes)
            bytes.append(entry.prefix.to_text()).append("=").append(std::to_string(entry.number)).push_back(' ');
    }
    const std::string hosts = hosts_text(image);
    append(bytes, hosts.data(), hosts.size());
    append(bytes, image.forwards_in);
    append(bytes, image.forwards_out);
    append(bytes, image.masquerades);
    append(bytes, image.rule_ids);
    append(bytes, image.nat_ids);
    return bytes;
}

}  // namespace edgefw::image
