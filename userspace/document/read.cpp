// SPDX-License-Identifier: GPL-2.0-only
// A document as it is read.
#include "userspace/document/document.h"

#include <nlohmann/json.hpp>

namespace edgefw::document {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint32_t number_at(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

const json& list_at(const json& object, const char* key) {
    static const json none = json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : none;
}

bool drops_by_default(const json& document, const char* side) {
    const auto defaults = document.find("defaults");
    if (defaults == document.end() || !defaults->is_object() || !defaults->contains(side)) return false;
    const json& actions = defaults->at(side);
    return std::any_of(actions.begin(), actions.end(), [](const json& action) { return action == "drop"; });
}

}  // namespace

Result<Document> read(const std::string& text) {
    Document document;
    if (text.empty()) return document;
    const json parsed = json::parse(text, nullptr, false);
    if (!parsed.is_object()) {
        return failed("the document kept with the policy in force is not readable: push the policy again");
    }
    document.generation = number_at(parsed, "generation");
    document.digest = text_at(parsed, "digest");
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal})
        document.drops[static_cast<std::size_t>(side)] = drops_by_default(parsed, policy::to_text(side));
    for (const json& rule : list_at(parsed, "rules")) {
        document.rules.push_back({text_at(rule, "id"), text_at(rule, "profile"), text_at(rule, "side"),
                                  text_at(rule, "direction"), text_at(rule, "action"), number_at(rule, "slot")});
    }
    for (const json& entry : list_at(parsed, "nat")) {
        NatEntry nat = {text_at(entry, "id"), number_at(entry, "slot"), {}};
        for (const json& side : list_at(entry, "sides")) {
            if (side.is_string()) nat.sides.push_back(side.get<std::string>());
        }
        document.nat.push_back(std::move(nat));
    }
    return document;
}

Slots Document::slots() const {
    Slots slots;
    for (const RuleEntry& rule : rules) {
        if (rule.slot != 0) slots[rule.id] = rule.slot;
    }
    for (const NatEntry& entry : nat) {
        if (entry.slot != 0) slots[entry.id] = entry.slot;
    }
    return slots;
}

Slots slots_of(const std::string& document) {
    const Result<Document> known = read(document);
    return known ? known->slots() : Slots{};
}

bool Document::has_rules_for(policy::Side side) const {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const RuleEntry& rule) { return rule.side == policy::to_text(side); });
}

}  // namespace edgefw::document
