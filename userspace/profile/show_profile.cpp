// SPDX-License-Identifier: GPL-2.0-only
// `profile show --json`.
#include "userspace/profile/profile.h"

namespace edgefw::policy {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Node& node) {
    if (node.is_scalar()) return node.text;
    if (node.kind == Node::Kind::kNull) return nullptr;
    ordered_json json = node.is_map() ? ordered_json::object() : ordered_json::array();
    if (node.is_list()) {
        for (const Node& item : node.items)
            json.push_back(to_json(item));
        return json;
    }
    for (std::size_t i = 0; i < node.items.size(); i += 2)
        json[node.items[i].text] = to_json(node.items[i + 1]);
    return json;
}

ordered_json to_json(const std::vector<const Node*>& rows) {
    ordered_json json = ordered_json::array();
    for (const Node* row : rows)
        json.push_back(to_json(*row));
    return json;
}

ordered_json to_json(const Variable& variable) {
    ordered_json json;
    json["name"] = variable.name;
    json["type"] = to_text(variable.type);
    json["description"] = variable.description;
    json["default"] = variable.default_value == nullptr ? ordered_json(nullptr) : to_json(*variable.default_value);
    json["required"] =
        variable.required_when == nullptr ? ordered_json(variable.required) : to_json(*variable.required_when);
    if (!variable.choices.empty()) json["choices"] = variable.choices;
    if (!variable.refused.empty()) json["refused"] = variable.refused;
    return json;
}

ordered_json variables_of(const Profile& profile, bool options) {
    ordered_json json = ordered_json::array();
    for (const Variable& variable : profile.variables) {
        if (variable.is_option() == options) json.push_back(to_json(variable));
    }
    return json;
}

}  // namespace

ordered_json show(const Profile& profile) {
    ordered_json json;
    json["name"] = profile.name;
    json["title"] = profile.title;
    json["document"] = {{"title", profile.document},
                        {"file", profile.document_file},
                        {"url", profile.document_url},
                        {"section", profile.section}};
    json["variables"] = variables_of(profile, false);
    json["options"] = variables_of(profile, true);
    json["rules"] = to_json(profile.rules);
    json["nat"] = to_json(profile.nat);
    json["constraints"] = to_json(profile.constraints);
    json["notes"] = profile.notes;
    return json;
}

}  // namespace edgefw::policy
