// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/ids.h"

#include <algorithm>
#include <cctype>

#include "maps/limits.h"

namespace edgefw::policy {
namespace {

bool is_id_character(unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/');
}

}  // namespace

std::optional<std::string> id_problem(const std::string& id) {
    if (id.empty()) return "a name cannot be empty";
    if (id.size() > EDGEFW_ID_MAX) {
        return "the id '" + id.substr(0, 40) + "...' has " + std::to_string(id.size()) + " bytes; shorten it to " +
               std::to_string(EDGEFW_ID_MAX);
    }
    if (!std::all_of(id.begin(), id.end(), is_id_character)) {
        return "the id '" + id +
               "' holds other characters than letters, digits, '.', '_' and '-' (and '/' between parts)";
    }
    if (id.front() == '/' || id.back() == '/' || id.find("//") != std::string::npos) {
        return "the id '" + id + "' has an empty part; write '/' between parts only";
    }
    if (id == "builtin" || id.starts_with("builtin/")) {
        return "'builtin/' belongs to the built-in rules; choose another name than '" + id + "'";
    }
    return std::nullopt;
}

}  // namespace edgefw::policy
