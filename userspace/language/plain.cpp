// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/plain.h"

#include <array>

namespace edgefw::policy {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxKeys = 64;  // keys of a map are compared in pairs
constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kMaxNodes = 4'000'000;  // that are there at once: 80 bytes each
constexpr int kItemDepth = 2;                 // of an item in a list of the root map

enum CharacterClass : std::uint8_t {
    kStart = 1,   // may begin a plain scalar or key
    kInside = 2,  // may follow in one
    kBlock = 4,   // likewise, outside of flow lists and maps
    kKey = 8,     // may be in a key
};

constexpr std::array<std::uint8_t, 256> classify() {
    std::array<std::uint8_t, 256> classes{};
    const auto set = [&](std::string_view characters, int as) {
        for (const char c : characters)
            classes[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(as);
    };
    set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", kStart | kInside | kBlock | kKey);
    set("-.", kInside | kBlock | kKey);
    set("$/", kStart | kInside | kBlock);
    set("+> ", kInside | kBlock);
    set(",()", kBlock);
    return classes;
}
constexpr auto kClasses = classify();

bool is(char c, std::uint8_t classes) {
    return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

// The colons of an IPv6 address or a port: no YAML, whatever the context.
bool is_harmless_colon(std::string_view text, std::size_t at) {
    return text[at] == ':' && at + 1 < text.size() && (is(text[at + 1], kStart) || text[at + 1] == ':');
}

bool is_null(std::string_view text) {
    return text == "null" || text == "Null" || text == "NULL";
}

class PlainReader {
public:
    PlainReader(std::string_view text, const std::string* file, std::string_view deferred = "")
        : rest_(text), file_(file), deferred_(deferred) {}

    std::optional<Node> read() {
        // A carriage return is a line break wherever it is.
        if (rest_.find('\r') != std::string_view::npos || !next_line()) return std::nullopt;
        auto root = read_block(0);
        // Lines that no level took are wrongly indented, or go on a scalar.
        if (!root || !at_end_ || root->is_scalar()) return std::nullopt;
        return root;
    }

    // The item that begins at this place; the text begins with its first line.
    std::optional<Node> read_item(int line, int column) {
        number_ = line - 1;
        if (!next_line()) return std::nullopt;
        column_ = static_cast<std::size_t>(column) - 1;
        return read_block(kItemDepth);
    }

private:
    using Maybe = std::optional<Node>;

    // What is read of one list: whether its maps are to be deferred.
    enum class Items : bool { kRead, kDeferred };

    // To the next line with content, `column_` at its first character. False: there is none.
    bool next_line() {
        while (!rest_.empty()) {
            const std::size_t end = rest_.find('\n');
            line_ = rest_.substr(0, end);
            rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
            ++number_;
            column_ = line_.find_first_not_of(' ');
            if (column_ != std::string_view::npos && line_[column_] != '#') return true;
        }
        at_end_ = true;
        return false;
    }

    char peek() const { return column_ < line_.size() ? line_[column_] : '\0'; }
    void skip_spaces() {
        while (peek() == ' ')
            ++column_;
    }
    // After a value: nothing more in this line but a comment.
    bool line_is_done() {
        const std::size_t value_end = column_;
        skip_spaces();
        return column_ == line_.size() || (peek() == '#' && column_ > value_end);
    }
    bool at_dash() const { return line_.substr(column_, 2) == "- "; }

    // The end of the key at `column_`, where its colon is; npos: there is no key.
    std::size_t key_end() const {
        if (!is(peek(), kStart)) return std::string_view::npos;
        std::size_t end = column_;
        while (end < line_.size() && is(line_[end], kKey))
            ++end;
        const bool colon = end > column_ && end < line_.size() && line_[end] == ':';
        return colon && (end + 1 == line_.size() || line_[end + 1] == ' ') ? end : std::string_view::npos;
    }

    Node node(Node::Kind kind) const {
        Node made;
        made.kind = kind;
        made.line = number_;
        made.column = static_cast<int>(column_) + 1;
        made.file = file_;
        return made;
    }
    Maybe scalar(std::size_t begin, std::size_t end, std::size_t next) {
        if (++nodes_ > kMaxNodes) return std::nullopt;
        Node made = node(Node::Kind::kScalar);
        made.text = line_.substr(begin, end - begin);
        column_ = next;
        return made;
    }

    Maybe read_block(int depth, Items items = Items::kRead) {
        if (depth > kMaxDepth) return std::nullopt;
        if (at_dash()) return read_block_list(depth, items);
        if (key_end() != std::string_view::npos) return read_block_map(depth);
        Maybe value = read_value(false, depth);
        if (!value || !line_is_done()) return std::nullopt;
        next_line();
        return value;
    }

    Maybe read_block_list(int depth, Items items) {
        const std::size_t column = column_;
        Node list = node(Node::Kind::kList);
        while (!at_end_ && column_ == column && at_dash()) {
            ++column_;
            skip_spaces();
            if (column_ == line_.size()) return std::nullopt;
            const char* const first_line = line_.data();
            const std::size_t nodes_before = nodes_;
            Maybe item = read_block(depth + 1);
            if (!item) return std::nullopt;
            if (items == Items::kDeferred && item->is_map() && item->find("use") == nullptr) {
                nodes_ = nodes_before + 1;
                defer(*item, {first_line, at_end_ ? rest_.data() : line_.data()});
            }
            list.items.push_back(std::move(*item));
        }
        return list;
    }

    static void defer(Node& item, std::string_view lines) {
        item.kind = Node::Kind::kDeferred;
        item.items = std::vector<Node>();  // `{}` would keep the memory
        item.text = lines;
    }

    Maybe read_block_map(int depth) {
        const std::size_t column = column_;
        Node map = node(Node::Kind::kMap);
        while (!at_end_ && column_ == column && key_end() != std::string_view::npos) {
            if (!read_key(map)) return std::nullopt;
            const bool defers = depth == 0 && map.items.back().text == deferred_;
            const Items items = defers ? Items::kDeferred : Items::kRead;
            Maybe value = line_is_done() ? read_value_below(column, depth, items) : read_value_beside(depth);
            if (!value) return std::nullopt;
            map.items.push_back(std::move(*value));
        }
        return map;
    }

    // The key at `column_` and its colon; false: it is there already, or there are many.
    bool read_key(Node& map) {
        const std::size_t end = key_end();
        if (end == std::string_view::npos || end - column_ > kMaxKeyBytes || map.items.size() >= 2 * kMaxKeys) {
            return false;
        }
        const Maybe key = scalar(column_, end, end + 1);
        if (!key || is_null(key->text) || map.find(key->text) != nullptr) return false;
        map.items.push_back(*key);
        return true;
    }

    Maybe read_value_beside(int depth) {
        skip_spaces();
        Maybe value = read_value(false, depth + 1);
        if (!value || !line_is_done()) return std::nullopt;
        next_line();
        return value;
    }

    // A key without value in its line: deeper lines, or a list in the key's own column.
    Maybe read_value_below(std::size_t column, int depth, Items items) {
        if (!next_line() || column_ < column || (column_ == column && !at_dash())) return std::nullopt;
        return read_block(depth + 1, items);
    }

    Maybe read_value(bool flow, int depth) {
        if (depth > kMaxDepth) return std::nullopt;
        switch (peek()) {
            case '[':
                return read_flow_list(depth);
            case '{':
                return read_flow_map(depth);
            case '"':
            case '\'':
                return read_quoted();
            default:
                return read_scalar(flow);
        }
    }

    Maybe read_quoted() {
        const char quote = peek();
        const std::size_t end = line_.find(quote, column_ + 1);
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view inside = line_.substr(column_ + 1, end - column_ - 1);
        const bool doubled = quote == '\'' && end + 1 < line_.size() && line_[end + 1] == quote;
        const bool escaped = quote == '"' && inside.find('\\') != std::string_view::npos;
        if (doubled || escaped) return std::nullopt;
        for (const char c : inside) {
            if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) return std::nullopt;
        }
        return scalar(column_ + 1, end, end + 1);
    }

    Maybe read_scalar(bool flow) {
        if (!is(peek(), kStart)) return std::nullopt;
        const std::uint8_t inside = flow ? kInside : kBlock;
        std::size_t next = column_;
        while (next < line_.size() && (is(line_[next], inside) || is_harmless_colon(line_, next)))
            ++next;
        std::size_t end = next;
        while (line_[end - 1] == ' ')
            --end;
        const bool comment = next < line_.size() && line_[next] == '#' && end < next;
        const bool closed =
            next < line_.size() && flow && std::string_view(",]}").find(line_[next]) != std::string_view::npos;
        if ((next < line_.size() && !comment && !closed) || is_null(line_.substr(column_, end - column_)))
            return std::nullopt;
        return scalar(column_, end, end);
    }

    // What follows an item: steps past it.
    enum class Separator { kComma, kClose, kNeither };
    Separator read_separator(char close) {
        skip_spaces();
        const char found = peek();
        ++column_;
        if (found == ',') skip_spaces();
        return found == ',' ? Separator::kComma : found == close ? Separator::kClose : Separator::kNeither;
    }

    // Past the opening bracket; true: the closing one follows.
    bool open_flow(char close) {
        ++column_;
        skip_spaces();
        if (peek() != close) return false;
        ++column_;
        return true;
    }

    Maybe read_flow_list(int depth) {
        Node list = node(Node::Kind::kList);
        if (open_flow(']')) return list;
        while (true) {
            Maybe item = read_value(true, depth + 1);
            if (!item) return std::nullopt;
            list.items.push_back(std::move(*item));
            const Separator separator = read_separator(']');
            if (separator == Separator::kClose) return list;
            if (separator == Separator::kNeither) return std::nullopt;
        }
    }

    Maybe read_flow_map(int depth) {
        Node map = node(Node::Kind::kMap);
        if (open_flow('}')) return map;
        while (true) {
            if (!read_key(map)) return std::nullopt;
            skip_spaces();
            Maybe value = read_value(true, depth + 1);
            if (!value) return std::nullopt;
            map.items.push_back(std::move(*value));
            const Separator separator = read_separator('}');
            if (separator == Separator::kClose) return map;
            if (separator == Separator::kNeither) return std::nullopt;
        }
    }

    std::string_view rest_;  // lines not yet begun
    const std::string* file_;
    std::string_view deferred_;
    std::string_view line_;
    std::size_t column_ = 0;  // in `line_`
    int number_ = 0;
    bool at_end_ = false;
    std::size_t nodes_ = 0;
};

}  // namespace

std::optional<Node> read_plain(std::string_view text, const std::string* file, std::string_view deferred) {
    return PlainReader(text, file, deferred).read();
}

Node read_deferred(const Node& node) {
    // It was read before, as a part of the whole.
    return PlainReader(node.text, node.file).read_item(node.line, node.column).value();
}

}  // namespace edgefw::policy
