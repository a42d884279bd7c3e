// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/read.h"

#include <nlohmann/json.hpp>

namespace edgefw::document {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint32_t slot_of(const json& object) {
    const auto found = object.find("slot");
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

const json& list_at(const json& object, const char* key) {
    static const json none = json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : none;
}

}  // namespace

Result<Document> read(const std::string& text) {
    Document document;
    if (text.empty()) return document;
    const json parsed = json::parse(text, nullptr, false);
    if (!parsed.is_object()) {
        return failed("the document kept with the policy in force is not readable: push the policy again");
    }
    for (const json& rule : list_at(parsed, "rules")) {
        document.rules.push_back({text_at(rule, "id"), text_at(rule, "profile"), text_at(rule, "side"),
                                  text_at(rule, "direction"), text_at(rule, "action"), slot_of(rule)});
    }
    for (const json& entry : list_at(parsed, "nat")) {
        Nat nat = {text_at(entry, "id"), slot_of(entry), {}};
        for (const json& side : list_at(entry, "sides")) {
            if (side.is_string()) nat.sides.push_back(side.get<std::string>());
        }
        document.nat.push_back(std::move(nat));
    }
    return document;
}

}  // namespace edgefw::document
