// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/condition.h"

#include <algorithm>

#include "userspace/language/suggest.h"
#include "userspace/language/values.h"

namespace edgefw::policy {
namespace {

// "on" and "true" are one value.
std::string canonical(const Node& value) {
    for (const auto& word : kSwitches) {
        if (word.text == value.text) return word.value ? "true" : "false";
    }
    return value.text;
}

std::vector<std::string> values_of(const Variable& variable) {
    if (!variable.is_option()) return {"given", "absent"};
    if (variable.type == VariableType::kBool) return {"true", "false"};
    return variable.choices;
}

bool has_value(const std::string& name, const Node& wanted, const Bindings& bindings) {
    const Node* value = bindings.find(name);
    if (wanted.text == "given") return value != nullptr;
    if (wanted.text == "absent") return value == nullptr;
    if (value == nullptr) return false;
    const auto items = one_or_several(*value);
    return std::any_of(items.begin(), items.end(),
                       [&](const Node& item) { return item.text == wanted.text || item.text == canonical(wanted); });
}

}  // namespace

void check_condition(const Node& condition, const Profile& profile, Diagnostics& diagnostics) {
    if (!condition.is_map()) {
        diagnostics.error(condition, "a condition is a mapping of variable to value, this is " + describe(condition));
        return;
    }
    for (std::size_t i = 0; i < condition.items.size(); i += 2) {
        const Node& name = condition.items[i];
        const Variable* variable = profile.find(name.text);
        if (variable == nullptr) {
            diagnostics.error(name, "no variable or option is named " + describe(name));
            continue;
        }
        const auto values = values_of(*variable);
        for (const Node& wanted : one_or_several(condition.items[i + 1])) {
            const bool known =
                wanted.is_scalar() && (std::find(values.begin(), values.end(), wanted.text) != values.end() ||
                                       std::find(values.begin(), values.end(), canonical(wanted)) != values.end());
            if (!known) {
                diagnostics.error(wanted, describe(wanted) + " is not a value of '" + name.text + "'" +
                                              suggestion(wanted.text, values));
            }
        }
    }
}

bool holds(const Node& condition, const Bindings& bindings) {
    for (std::size_t i = 0; i + 1 < condition.items.size(); i += 2) {
        const auto wanted = one_or_several(condition.items[i + 1]);
        const std::string& name = condition.items[i].text;
        const bool met = std::any_of(wanted.begin(), wanted.end(),
                                     [&](const Node& value) { return has_value(name, value, bindings); });
        if (!met) return false;
    }
    return true;
}

bool selected(const Node& row, const Bindings& bindings) {
    const Node* role = row.find("role");
    const Node* roles = bindings.find("roles");
    if (role != nullptr && roles != nullptr) {
        const auto is_role = [&](const Node& chosen) { return chosen.text == role->text; };
        if (std::none_of(roles->items.begin(), roles->items.end(), is_role)) return false;
    }
    const Node* when = row.find("when");
    return when == nullptr || holds(*when, bindings);
}

}  // namespace edgefw::policy
