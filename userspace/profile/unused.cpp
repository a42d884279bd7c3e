// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/unused.h"

#include <set>

#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/profile/condition.h"

namespace edgefw::policy {
namespace {

using Names = std::set<std::string, std::less<>>;

void add_references(const Node& node, Names& names) {
    if (const auto name = reference(node)) names.insert(variable_of(*name));
    for (const Node& item : node.items)
        add_references(item, names);
}

void add_condition(const Node* condition, Names& names) {
    if (condition == nullptr) return;
    for (std::size_t i = 0; i < condition->items.size(); i += 2)
        names.insert(condition->items[i].text);
}

// What the chosen rows name, in their values and their conditions.
Names used_names(const ProfileUse& use) {
    const Profile& profile = *use.profile;
    Names names;
    for (const auto* rows : {&profile.rules, &profile.nat, &profile.constraints}) {
        for (const Node* row : *rows) {
            if (!selected(*row, use.bindings)) continue;
            add_references(*row, names);
            add_condition(row->find("when"), names);
            for (const std::string_view key : {"publicly-routable", "no-nat"}) {
                const Node* variables = row->find(key);
                if (variables == nullptr) continue;
                for (const Node& name : one_or_several(*variables))
                    names.insert(name.text);
            }
        }
    }
    return names;
}

}  // namespace

void warn_of_unused_variables(const ProfileUse& use, Diagnostics& diagnostics) {
    const Names used = used_names(use);
    for (const auto& [name, value] : use.bindings.all_given()) {
        const Variable* variable = use.profile->find(name);
        if (variable->is_option() || used.contains(name)) continue;
        diagnostics.warning(value->where(),
                            "'" + name + "' has no effect with these options; remove it, or choose what needs it");
    }
}

}  // namespace edgefw::policy
