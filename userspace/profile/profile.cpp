// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/profile.h"

#include <algorithm>
#include <array>

#include "userspace/language/fields.h"
#include "userspace/language/keys.h"
#include "userspace/language/parse.h"
#include "userspace/language/suggest.h"
#include "userspace/language/values.h"
#include "userspace/profile/condition.h"
#include "userspace/profile/profile_path.h"
#include "userspace/profile/profile_rows.h"

namespace edgefw::policy {
namespace {

constexpr std::array<Word<VariableType>, 11> kTypes{{{"address", VariableType::kAddress},
                                                     {"addresses", VariableType::kAddresses},
                                                     {"network", VariableType::kNetwork},
                                                     {"networks", VariableType::kNetworks},
                                                     {"host", VariableType::kHost},
                                                     {"port", VariableType::kPort},
                                                     {"ports", VariableType::kPorts},
                                                     {"bool", VariableType::kBool},
                                                     {"choice", VariableType::kChoice},
                                                     {"choices", VariableType::kChoices},
                                                     {"port-table", VariableType::kPortTable}}};

std::string text_of(const Fields& fields, std::string_view key, Diagnostics& diagnostics) {
    const Node* node = fields.find(key);
    return node == nullptr ? "" : read_text(*node, key, diagnostics);
}

void read_document(const Node& node, Profile& profile, Diagnostics& diagnostics) {
    const Fields fields(node, kDocumentKeys, "a document", diagnostics);
    if (const Node* title = fields.need("title")) profile.document = read_text(*title, "a title", diagnostics);
    profile.document_file = text_of(fields, "file", diagnostics);
    profile.document_url = text_of(fields, "url", diagnostics);
    profile.section = text_of(fields, "section", diagnostics);
}

void read_choices(const Fields& fields, Variable& variable, Diagnostics& diagnostics) {
    const bool chooses = variable.type == VariableType::kChoice || variable.type == VariableType::kChoices;
    const Node* choices = chooses ? fields.need("choices") : fields.find("choices");
    if (choices != nullptr) {
        for (const Node& choice : one_or_several(*choices)) {
            variable.choices.push_back(read_text(choice, "a choice", diagnostics));
        }
    }
    const Node* refused = fields.find("refused");
    if (refused == nullptr || !refused->is_map()) return;
    for (std::size_t i = 0; i < refused->items.size(); i += 2) {
        variable.refused[refused->items[i].text] = read_text(refused->items[i + 1], "a reason", diagnostics);
    }
}

// `required: true`, `false` or a condition. Left out, a variable without default is required.
void read_required(const Fields& fields, Variable& variable, Diagnostics& diagnostics) {
    const Node* required = fields.find("required");
    if (required == nullptr) {
        variable.required = variable.default_value == nullptr;
    } else if (required->is_map()) {
        variable.required_when = required;
    } else {
        variable.required = read_word(*required, kSwitches, "a switch or condition", diagnostics).value_or(false);
    }
}

void read_variable(const Node& name, const Node& node, Profile& profile, Diagnostics& diagnostics) {
    const Fields fields(node, kVariableKeys, "a variable", diagnostics);
    Variable variable;
    variable.name = name.text;
    if (profile.find(name.text) != nullptr) {
        diagnostics.error(name, "the variable " + describe(name) + " is there already; rename one of the two");
    }
    const Node* type = fields.need("type");
    const auto read_type = type == nullptr ? std::nullopt : read_word(*type, kTypes, "a type", diagnostics);
    if (!read_type) return;
    variable.type = *read_type;
    variable.description = text_of(fields, "description", diagnostics);
    variable.default_value = fields.find("default");
    read_required(fields, variable, diagnostics);
    read_choices(fields, variable, diagnostics);
    profile.variables.push_back(std::move(variable));
}

void read_variables(const Node* map, Profile& profile, Diagnostics& diagnostics) {
    if (map == nullptr || map->kind == Node::Kind::kNull) return;
    if (!map->is_map()) {
        diagnostics.error(*map, "variables are a mapping of name to type, this is " + describe(*map));
        return;
    }
    for (std::size_t i = 0; i < map->items.size(); i += 2) {
        read_variable(map->items[i], map->items[i + 1], profile, diagnostics);
    }
}

std::vector<const Node*> rows(const Fields& fields, std::string_view key, Diagnostics& diagnostics) {
    std::vector<const Node*> rows;
    const Node* list = fields.find(key);
    if (list == nullptr || list->kind == Node::Kind::kNull) return rows;
    if (!list->is_list()) {
        diagnostics.error(*list, "`" + std::string(key) + ":` is a list, this is " + describe(*list));
        return rows;
    }
    for (const Node& row : list->items)
        rows.push_back(&row);
    return rows;
}

void check_name(const Profile& profile, const std::string& file, Diagnostics& diagnostics) {
    const std::string base = file.substr(file.rfind('/') + 1);
    if (base == profile.name + ".yaml") return;
    diagnostics.error(profile.syntax.root, "the profile is named '" + profile.name + "' and the file '" + base +
                                               "'; a profile's file is its name with .yaml");
}

}  // namespace

std::string_view to_text(VariableType type) {
    for (const auto& word : kTypes) {
        if (word.value == type) return word.text;
    }
    return "";
}

const Variable* Profile::find(std::string_view variable) const {
    const auto found =
        std::find_if(variables.begin(), variables.end(), [&](const Variable& known) { return known.name == variable; });
    return found == variables.end() ? nullptr : &*found;
}

std::shared_ptr<const Profile> parse_profile(const std::string& text, const std::string& file,
                                             Diagnostics& diagnostics) {
    Diagnostics found;
    auto profile = std::make_shared<Profile>();
    profile->syntax = parse(text, file, found);
    profile->text = text;
    if (found.ok()) {
        const Fields fields(profile->syntax.root, kProfileKeys, "a profile", found);
        if (const Node* name = fields.need("name")) profile->name = read_text(*name, "a name", found);
        profile->title = text_of(fields, "title", found);
        if (const Node* document = fields.need("document")) read_document(*document, *profile, found);
        read_variables(fields.find("variables"), *profile, found);
        read_variables(fields.find("options"), *profile, found);
        profile->rules = rows(fields, "rules", found);
        profile->nat = rows(fields, "nat", found);
        profile->constraints = rows(fields, "constraints", found);
        profile->must_pass = rows(fields, "must_pass", found);
        profile->must_drop = rows(fields, "must_drop", found);
        for (const Node* note : rows(fields, "notes", found))
            profile->notes.push_back(read_text(*note, "a note", found));
        if (profile->syntax.root.is_map()) check_name(*profile, file, found);
        check_rows(*profile, found);
    }
    const bool good = found.ok();
    diagnostics.append(std::move(found));
    return good ? profile : nullptr;
}

Result<std::shared_ptr<const Profile>> load_profile(const std::string& name, const ProfilePath& profiles) {
    const auto found = read_profile(name, profiles);
    if (!found) {
        const std::string file = profile_file(name, profiles);
        return Error{found.error().kind, found.error().message, {{file, 0, 0, found.error().message}}};
    }
    if (!*found) {
        return failed("no profile is named '" + name + "'" + suggestion(name, profile_names(profiles)) +
                      " (`edgefw profile list` shows all)");
    }
    const std::string& file = (*found)->file;
    Diagnostics diagnostics;
    auto profile = parse_profile((*found)->text, file, diagnostics);
    if (profile == nullptr) return diagnostics.to_error(file);
    return profile;
}

}  // namespace edgefw::policy
