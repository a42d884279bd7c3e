// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/profile_rows.h"

#include <algorithm>
#include <cctype>

#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/language/keys.h"
#include "userspace/language/suggest.h"
#include "userspace/language/values.h"
#include "userspace/profile/condition.h"

namespace edgefw::policy {
namespace {

void unknown_variable(const std::string& name, const Node& at, const Profile& profile, Diagnostics& diagnostics) {
    std::vector<std::string> names;
    for (const Variable& variable : profile.variables)
        names.push_back(variable.name);
    diagnostics.error(at, "no variable is named '" + name + "'" + suggestion(name, names));
}

void check_references(const Node& node, const Profile& profile, Diagnostics& diagnostics) {
    if (const auto name = reference(node); name && profile.find(variable_of(*name)) == nullptr) {
        unknown_variable(variable_of(*name), node, profile, diagnostics);
    }
    for (const Node& item : node.items)
        check_references(item, profile, diagnostics);
}

void check_role(const Node& role, const Profile& profile, Diagnostics& diagnostics) {
    const Variable* roles = profile.find("roles");
    if (roles == nullptr) return;  // without that option a role is a part of the id, no more
    const std::string name = read_text(role, "a role", diagnostics);
    const bool known = std::find(roles->choices.begin(), roles->choices.end(), name) != roles->choices.end();
    if (!known && role.is_scalar()) {
        diagnostics.error(role, describe(role) + " is not a choice of `roles`" + suggestion(name, roles->choices));
    }
}

void check_row(const Node& row, const Profile& profile, Diagnostics& diagnostics) {
    for (const std::string_view key : {"table", "figure"}) {
        if (const Node* number = row.find(key)) (void)read_number(*number, {0, 9999}, "a number", diagnostics);
    }
    for (const std::string_view key : {"document", "section", "reason", "description"}) {
        if (const Node* text = row.find(key)) (void)read_text(*text, key, diagnostics);
    }
    for (const std::string_view key : {"when", "warning_when"}) {
        if (const Node* condition = row.find(key)) check_condition(*condition, profile, diagnostics);
    }
    if (const Node* role = row.find("role")) check_role(*role, profile, diagnostics);
    check_references(row, profile, diagnostics);
}

void check_constraint(const Node& row, const Profile& profile, Diagnostics& diagnostics) {
    const Fields fields(row, kConstraintKeys, "a constraint", diagnostics);
    check_row(row, profile, diagnostics);
    const Node* routable = fields.find("publicly-routable");
    const Node* no_nat = fields.find("no-nat");
    if (row.is_map() && (routable == nullptr) == (no_nat == nullptr)) {
        diagnostics.error(row, "a constraint is one of `publicly-routable:` and `no-nat:`, a list of variables");
        return;
    }
    const Node* variables = routable != nullptr ? routable : no_nat;
    if (variables == nullptr) return;
    for (const Node& name : one_or_several(*variables)) {
        const Variable* variable = profile.find(name.text);
        const bool addresses = variable != nullptr && variable->type <= VariableType::kAddresses;
        if (variable == nullptr) {
            unknown_variable(name.text, name, profile, diagnostics);
        } else if (!addresses) {
            diagnostics.error(name, "a constraint is about variables of type address or addresses");
        }
    }
}

void check_packet(const Node& row, const Profile& profile, Diagnostics& diagnostics) {
    const Fields fields(row, kPacketKeys, "a packet", diagnostics);
    check_row(row, profile, diagnostics);
    const Node* packet = fields.need("packet");
    if (packet == nullptr) return;
    for (const TextReference& found : references_in(read_text(*packet, "a packet", diagnostics))) {
        const std::string name = variable_of(found.name);
        if (name != kAnyone && profile.find(name) == nullptr) {
            unknown_variable(name, *packet, profile, diagnostics);
        }
    }
}

}  // namespace

std::vector<TextReference> references_in(std::string_view text) {
    std::vector<TextReference> references;
    for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
        std::size_t end = at + 1;
        while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
            ++end;
        }
        if (text.substr(end).starts_with(kBroadcast)) end += kBroadcast.size();
        references.push_back({at, std::string(text.substr(at + 1, end - at - 1))});
    }
    return references;
}

void check_rows(const Profile& profile, Diagnostics& diagnostics) {
    for (const Variable& variable : profile.variables) {
        if (variable.required_when != nullptr) check_condition(*variable.required_when, profile, diagnostics);
    }
    for (const Node* row : profile.rules) {
        const Fields fields(*row, kProfileRuleKeys, "a profile's rule", diagnostics);
        (void)fields.need("name");
        check_row(*row, profile, diagnostics);
    }
    for (const Node* row : profile.nat) {
        const Fields fields(*row, kProfileNatKeys, "a profile's NAT entry", diagnostics);
        (void)fields.need("name");
        check_row(*row, profile, diagnostics);
    }
    for (const Node* row : profile.constraints)
        check_constraint(*row, profile, diagnostics);
    for (const Node* row : profile.must_pass)
        check_packet(*row, profile, diagnostics);
    for (const Node* row : profile.must_drop)
        check_packet(*row, profile, diagnostics);
}

}  // namespace edgefw::policy
