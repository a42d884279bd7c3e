// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edgefw::document {
namespace {

bool is_plain(char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

}  // namespace

void JsonText::separate() {
    if (!first_) text_ += ',';
    first_ = false;
}

void JsonText::open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
}

void JsonText::close(char bracket) {
    text_ += bracket;
    first_ = false;
}

void JsonText::key(std::string_view name) {
    value(name);
    text_ += ':';
    first_ = true;
}

void JsonText::value(std::string_view text) {
    separate();
    if (std::all_of(text.begin(), text.end(), is_plain))
        text_.append("\"").append(text).append("\"");
    else
        text_ += nlohmann::json(text).dump();
}

void JsonText::literal(std::string_view json) {
    separate();
    text_ += json;
}

}  // namespace edgefw::document
