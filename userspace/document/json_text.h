// SPDX-License-Identifier: GPL-2.0-only
// JSON written as it comes, for what a large policy has many of: a hundred thousand rules as JSON values take ten times
// as long.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace edgefw::document {

// Appends to a text of the caller's. Commas come by themselves; that what begins ends is up to the caller.
class JsonText {
public:
    explicit JsonText(std::string& text) : text_(text) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_list() { open('['); }
    void end_list() { close(']'); }
    void key(std::string_view name);
    void value(std::string_view text);  // UTF-8
    void value(const char* text) { value(std::string_view(text)); }
    void value(std::int64_t number) { literal(std::to_string(number)); }
    void value(bool is) { literal(is ? "true" : "false"); }
    void null() { literal("null"); }
    // JSON that is written already.
    void literal(std::string_view json);

private:
    void open(char bracket);
    void close(char bracket);
    void separate();

    std::string& text_;
    bool first_ = true;  // in its object or list, or behind a key
};

}  // namespace edgefw::document
