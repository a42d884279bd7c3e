// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/syntax.h"

#include "userspace/language/plain.h"

namespace edgefw::policy {
namespace {

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

std::string list_text(const Node& list) {
    std::string text = "[";
    for (const Node& item : list.items) {
        if (text.size() > 1) text += ", ";
        text += item.to_text();
    }
    return text + "]";
}

std::string map_text(const Node& map) {
    std::string text = "{";
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
        if (i > 0) text += ", ";
        text += map.items[i].text + ": " + map.items[i + 1].to_text();
    }
    return text + "}";
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    if (!is_map()) return nullptr;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (items[i].text == key) return &items[i + 1];
    }
    return nullptr;
}

Location Node::where() const {
    return {file == nullptr ? "" : *file, line, column};
}

std::string Node::to_text() const {
    switch (kind) {
        case Kind::kScalar:
            return quoted(text);
        case Kind::kList:
            return list_text(*this);
        case Kind::kMap:
            return map_text(*this);
        case Kind::kDeferred:
            return read_deferred(*this).to_text();
        case Kind::kNull:
            break;
    }
    return "null";
}

}  // namespace edgefw::policy
