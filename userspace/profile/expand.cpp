// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/expand.h"

#include <algorithm>
#include <charconv>

#include "userspace/language/fields.h"
#include "userspace/language/ids.h"
#include "userspace/language/keys.h"
#include "userspace/language/suggest.h"
#include "userspace/profile/condition.h"
#include "userspace/profile/profile_path.h"
#include "userspace/profile/unused.h"

namespace edgefw::policy {
namespace {

std::optional<int> number_of(const Node& row, std::string_view key) {
    const Node* node = row.find(key);
    if (node == nullptr) return std::nullopt;
    int number = 0;  // check_rows has seen that it is one
    std::from_chars(node->text.data(), node->text.data() + node->text.size(), number);
    return number;
}

std::string text_of(const Node& row, std::string_view key, const std::string& otherwise) {
    const Node* node = row.find(key);
    return node == nullptr ? otherwise : node->text;
}

Origin origin_of(const Node& row, const Profile& profile) {
    Origin origin;
    origin.profile = profile.name;
    origin.role = text_of(row, "role", "");
    origin.document = text_of(row, "document", profile.document);
    origin.section = text_of(row, "section", profile.section);
    origin.table = number_of(row, "table");
    origin.figure = number_of(row, "figure");
    return origin;
}

class Expander {
public:
    Expander(const ProfilePath& profiles, Diagnostics& diagnostics) : profiles_(profiles), diagnostics_(diagnostics) {}

    void add_rule(const Node& item) {
        if (item.find("use") != nullptr) {
            add_use(item);
        } else {
            result_.rules.push_back({&item, "", {}, item.where()});
        }
    }
    void expect_rules(std::size_t count) { result_.rules.reserve(count); }

    void add_nat(const Node& item) { result_.nat.push_back({&item, "", {}, item.where()}); }

    Expansion take() {
        std::move(profile_nat_.begin(), profile_nat_.end(), std::back_inserter(result_.nat));
        return std::move(result_);
    }

private:
    void add_use(const Node& item) {
        const Fields fields(item, kUseKeys, "a `use:` item", diagnostics_);
        const auto profile = find_profile(*fields.find("use"));
        const auto prefix = profile == nullptr ? std::nullopt : prefix_of(fields, profile->name);
        if (!prefix) return;
        const std::size_t errors_before = diagnostics_.errors();
        Bindings bindings(*profile, item, fields.find("with"), diagnostics_);
        // With a value missing or wrong, every row that uses it would be reported again.
        if (diagnostics_.errors() != errors_before) return;
        result_.uses.push_back({profile, std::move(bindings), *prefix, &item});
        const ProfileUse& use = result_.uses.back();
        add_rows(profile->rules, use, result_.rules);
        add_rows(profile->nat, use, profile_nat_);
        warn_of_unused_variables(use, diagnostics_);
    }

    void add_rows(const std::vector<const Node*>& rows, const ProfileUse& use, std::vector<Item>& items) {
        for (const Node* row : rows) {
            if (!selected(*row, use.bindings)) continue;
            result_.bound.push_back(use.bindings.bind(*row, *use.node, diagnostics_));
            const Origin origin = origin_of(*row, *use.profile);
            const std::string role = origin.role.empty() ? "" : origin.role + "/";
            items.push_back({&result_.bound.back(), use.prefix + "/" + role, origin, use.node->where()});
        }
    }

    std::shared_ptr<const Profile> find_profile(const Node& name) {
        const std::string text = read_text(name, "the name of a profile", diagnostics_);
        if (!name.is_scalar()) return nullptr;
        if (const auto known = loaded_.find(text); known != loaded_.end()) return known->second;
        const auto found = read_profile(text, profiles_);
        if (!found) {
            diagnostics_.error(name, found.error().message);
            return nullptr;
        }
        if (!*found) {
            diagnostics_.error(name, "no profile is named " + describe(name) +
                                         suggestion(text, profile_names(profiles_)) +
                                         " (`edgefw profile list` shows all)");
            return nullptr;
        }
        return loaded_[text] = parse_profile((*found)->text, (*found)->file, diagnostics_);
    }

    // Two uses under one prefix would have the same ids.
    std::optional<std::string> prefix_of(const Fields& fields, const std::string& profile) {
        const Node* as = fields.find("as");
        const std::string prefix = as == nullptr ? profile : read_text(*as, "a prefix", diagnostics_);
        const Node& at = as == nullptr ? fields.node() : *as;
        if (as != nullptr && as->is_scalar()) {
            if (const auto problem = id_problem(prefix)) {
                diagnostics_.error(at, *problem);
                return std::nullopt;
            }
        }
        const auto same = [&](const ProfileUse& use) { return use.prefix == prefix; };
        if (std::any_of(result_.uses.begin(), result_.uses.end(), same)) {
            diagnostics_.error(at,
                               "another `use:` has the prefix '" + prefix + "' already; give this one its own `as:`");
            return std::nullopt;
        }
        return prefix;
    }

    const ProfilePath& profiles_;
    Diagnostics& diagnostics_;
    Expansion result_;
    std::vector<Item> profile_nat_;
    std::map<std::string, std::shared_ptr<const Profile>> loaded_;
};

// The items of the list under `key`.
std::span<const Node> list_under(const Node& root, std::string_view key, Diagnostics& diagnostics) {
    const Node* list = root.find(key);
    if (list == nullptr || list->kind == Node::Kind::kNull) return {};
    if (list->is_list()) return list->items;
    diagnostics.error(
        *list, "`" + std::string(key) + ":` is a list, this is " + describe(*list) + "; start each item with '- '");
    return {};
}

}  // namespace

Expansion expand(const Node& root, const ProfilePath& profiles, Diagnostics& diagnostics) {
    Expander expander(profiles, diagnostics);
    const std::span<const Node> rules = list_under(root, "rules", diagnostics);
    expander.expect_rules(rules.size());
    for (const Node& item : rules)
        expander.add_rule(item);
    for (const Node& item : list_under(root, "nat", diagnostics))
        expander.add_nat(item);
    return expander.take();
}

}  // namespace edgefw::policy
