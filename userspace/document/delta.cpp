// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/delta.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace edgefw::document {
namespace {

using Json = nlohmann::ordered_json;

// Where a rule comes from and what counts it do not change what it does.
constexpr std::array<const char*, 12> kNotShown = {"id",    "name",   "slot",  "profile",  "document", "section",
                                                   "table", "figure", "where", "resolved", "ttl",      "problem"};

bool is_shown(const std::string& key) {
    return std::find(kNotShown.begin(), kNotShown.end(), key) == kNotShown.end();
}

// A line shows at most this many elements of a list: a set may have a million.
constexpr std::size_t kElementsShown = 10;

std::string value_text(const Json& value) {
    if (value.is_null()) return "any";
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return value.dump();
    std::string text;
    for (std::size_t i = 0; i < std::min(value.size(), kElementsShown); ++i) {
        if (!text.empty()) text += ", ";
        text += value_text(value[i]);
    }
    if (value.size() > kElementsShown) text += " and " + std::to_string(value.size() - kElementsShown) + " more";
    return text.empty() ? "none" : text;
}

bool is_long(const Json& value) {
    return value.is_array() && value.size() > kElementsShown;
}

// The elements of a list, or the one value that stands for a list of one.
std::vector<std::string> elements_of(const Json& value) {
    if (value.is_null()) return {};
    if (!value.is_array()) return {value_text(value)};
    std::vector<std::string> elements;
    for (const Json& element : value)
        elements.push_back(value_text(element));
    return elements;
}

// Returns the `elements` that are not among `others`, in their order.
Json without(const std::vector<std::string>& elements, const std::vector<std::string>& others) {
    const std::unordered_set<std::string_view> known(others.begin(), others.end());
    Json rest = Json::array();
    for (const std::string& element : elements) {
        if (!known.contains(element)) rest.push_back(element);
    }
    return rest;
}

// Says which elements came and which went, not all that the list was and is: it may be long.
std::string elements_delta(const Json& before, const Json& after) {
    const std::vector<std::string> old_elements = elements_of(before);
    const std::vector<std::string> new_elements = elements_of(after);
    const Json added = without(new_elements, old_elements);
    const Json removed = without(old_elements, new_elements);
    std::string text;
    if (!added.empty()) text = "added " + value_text(added);
    if (!removed.empty()) text.append(text.empty() ? "" : ", ").append("removed " + value_text(removed));
    return text.empty() ? "in another order" : text;
}

const Json& member(const Json& object, const std::string& key) {
    static const Json absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(key);
    return found == object.end() ? absent : *found;
}

std::string summary(const Json& entry) {
    std::string text;
    if (!entry.is_object()) return value_text(entry);
    for (const auto& [key, value] : entry.items()) {
        if (!is_shown(key) || value_text(value) == "any") continue;
        text.append(text.empty() ? "" : "; ").append(key).append(" ").append(value_text(value));
    }
    return text;
}

std::string changes(const Json& before, const Json& after) {
    Json keys = before;
    if (keys.is_object() && after.is_object()) keys.update(after);
    std::string text;
    if (!keys.is_object()) return text;
    for (const auto& [key, value] : keys.items()) {
        const Json& old_value = member(before, key);
        const Json& new_value = member(after, key);
        if (!is_shown(key) || old_value == new_value) continue;
        text.append(text.empty() ? "" : "; ").append(key).append(" ");
        if (is_long(old_value) || is_long(new_value)) {
            text.append(elements_delta(old_value, new_value));
        } else {
            text.append(value_text(old_value)).append(" -> ").append(value_text(new_value));
        }
    }
    return text;
}

// Entries of one list of the documents, by id (sets: by name) and in order.
struct Listed {
    std::vector<std::string> order;
    std::map<std::string, Json> entries;
};

Listed listed(const Json& document, const std::string& list) {
    Listed result;
    const Json& entries = member(document, list);
    if (!entries.is_array()) return result;
    for (const Json& entry : entries) {
        const Json& id = member(entry, "id");
        const Json& name = entry.is_string() ? entry : id.is_null() ? member(entry, "name") : id;
        result.order.push_back(value_text(name));
        result.entries.emplace(result.order.back(), entry);
    }
    return result;
}

std::map<std::string, std::size_t> places(const std::vector<std::string>& order) {
    std::map<std::string, std::size_t> result;
    for (std::size_t i = 0; i < order.size(); ++i)
        result.emplace(order[i], i);
    return result;
}

constexpr std::size_t kNone = SIZE_MAX;

// Ids in both lists that left their place: all but a longest run that kept its order.
std::vector<std::string> moved(const Listed& before, const Listed& after) {
    const auto old_place = places(before.order);
    std::vector<std::string> common;
    for (const std::string& id : after.order) {
        if (old_place.contains(id)) common.push_back(id);
    }
    std::vector<std::size_t> ends;  // ends[n]: of the kept runs of n + 1, the one that ends lowest
    std::vector<std::size_t> previous(common.size(), kNone);
    for (std::size_t i = 0; i < common.size(); ++i) {
        const auto place =
            std::lower_bound(ends.begin(), ends.end(), old_place.at(common[i]),
                             [&](std::size_t end, std::size_t at) { return old_place.at(common[end]) < at; });
        if (place != ends.begin()) previous[i] = *(place - 1);
        if (place == ends.end()) {
            ends.push_back(i);
        } else {
            *place = i;
        }
    }
    std::vector<bool> kept(common.size());
    for (std::size_t i = ends.empty() ? kNone : ends.back(); i != kNone; i = previous[i])
        kept[i] = true;
    std::vector<std::string> result;
    for (std::size_t i = 0; i < common.size(); ++i) {
        if (!kept[i]) result.push_back(common[i]);
    }
    return result;
}

std::string list_delta(const Json& in_force, const Json& next, const std::string& list, const std::string& word) {
    const Listed before = listed(in_force, list);
    const Listed after = listed(next, list);
    std::string text;
    const auto line = [&](const char* sign, const std::string& id, const std::string& what) {
        text.append(sign).append(" ").append(word).append(" ").append(id);
        text.append(what.empty() ? "" : ": ").append(what).append("\n");
    };
    for (const std::string& id : before.order) {
        if (!after.entries.contains(id)) line("-", id, "");
    }
    for (const std::string& id : after.order) {
        const Json& entry = after.entries.at(id);
        const auto old_entry = before.entries.find(id);
        if (old_entry == before.entries.end()) {
            line("+", id, entry.is_object() ? summary(entry) : "");
        } else if (const std::string what = changes(old_entry->second, entry); !what.empty()) {
            line("~", id, what);
        }
    }
    if (list != "rules") return text;  // elsewhere order means nothing
    const auto place = places(after.order);
    for (const std::string& id : moved(before, after)) {
        const std::size_t at = place.at(id);
        line(">", id, at == 0 ? "moved to the top" : "moved after " + after.order[at - 1]);
    }
    return text;
}

// Objects in objects, as {"external": {"inbound": "drop"}}: one line a leaf.
std::string leaves_delta(const Json& before, const Json& after, const std::string& path) {
    if (!after.is_object()) {
        if (before == after) return "";
        return "~ " + path + ": " + (before.is_null() ? "none" : value_text(before)) + " -> " + value_text(after) +
               "\n";
    }
    std::string text;
    for (const auto& [key, value] : after.items())
        text += leaves_delta(member(before, key), value, std::string(path).append(" ").append(key));
    return text;
}

Json parsed(const std::string& document) {
    Json json = Json::parse(document, nullptr, false);
    return json.is_discarded() ? Json() : json;
}

std::string setting_delta(const Json& before, const Json& after, const char* key) {
    return member(after, key).is_null() ? "" : leaves_delta(member(before, key), member(after, key), key);
}

}  // namespace

std::string delta_text(const std::string& in_force, const std::string& next) {
    const Json before = parsed(in_force);
    const Json after = parsed(next);
    const std::string text = list_delta(before, after, "rules", "rule") + list_delta(before, after, "nat", "nat") +
                             list_delta(before, after, "sets", "set") + list_delta(before, after, "hosts", "host") +
                             list_delta(before, after, "builtins", "builtin") +
                             leaves_delta(member(before, "defaults"), member(after, "defaults"), "default") +
                             leaves_delta(member(before, "connections"), member(after, "connections"), "connections") +
                             leaves_delta(member(before, "timeouts"), member(after, "timeouts"), "timeout") +
                             setting_delta(before, after, "adopt") + setting_delta(before, after, "rollback_grace") +
                             leaves_delta(member(before, "record"), member(after, "record"), "record");
    return text.empty() ? "no change\n" : text;
}

}  // namespace edgefw::document
