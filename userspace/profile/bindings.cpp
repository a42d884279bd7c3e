// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/bindings.h"

#include "userspace/language/addresses.h"
#include "userspace/language/suggest.h"
#include "userspace/language/values.h"
#include "userspace/profile/condition.h"

namespace edgefw::policy {
namespace {

std::vector<std::string_view> names_of(const Profile& profile) {
    std::vector<std::string_view> names;
    for (const Variable& variable : profile.variables)
        names.push_back(variable.name);
    return names;
}

Node list_of(const Node& value) {
    if (value.is_list()) return value;
    Node list = value;
    list.kind = Node::Kind::kList;
    list.text.clear();
    list.items.assign(1, value);
    return list;
}

bool check_choice(const Node& value, const Variable& variable, Diagnostics& diagnostics) {
    if (value.is_scalar()) {
        if (const auto refused = variable.refused.find(value.text); refused != variable.refused.end()) {
            diagnostics.error(value, "'" + variable.name + ": " + value.text + "' is refused: " + refused->second);
            return false;
        }
        for (const std::string& choice : variable.choices) {
            if (choice == value.text) return true;
        }
    }
    diagnostics.error(value, describe(value) + " is not a value of '" + variable.name + "'" +
                                 suggestion(value.is_scalar() ? value.text : "", variable.choices));
    return false;
}

bool check_network(const Node& value, Diagnostics& diagnostics) {
    // Whether the set exists is for check to say: it knows the sets.
    return reference(value).has_value() || read_address_range(value, diagnostics).has_value();
}

template <typename Check>
bool check_each(const Node& value, Diagnostics& diagnostics, const Check& check) {
    const auto items = one_or_several(value);
    if (items.empty()) diagnostics.error(value, "the list is empty; give at least one value");
    bool good = !items.empty();
    for (const Node& item : items)
        good = check(item) && good;
    return good;
}

bool check_port_table(const Node& value, Diagnostics& diagnostics) {
    if (!value.is_map() || value.items.empty()) {
        diagnostics.error(value,
                          describe(value) + " is no table of ports; write {9001: 192.0.2.1}, a host for each port");
        return false;
    }
    bool good = true;
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
        good = read_number(value.items[i], {1, 65535}, "a port", diagnostics).has_value() && good;
        good = read_host(value.items[i + 1], diagnostics).has_value() && good;
    }
    return good;
}

bool check_value(const Node& value, const Variable& variable, Diagnostics& diagnostics) {
    const auto host = [&](const Node& item) { return read_host(item, diagnostics).has_value(); };
    const auto network = [&](const Node& item) { return check_network(item, diagnostics); };
    const auto choice = [&](const Node& item) { return check_choice(item, variable, diagnostics); };
    switch (variable.type) {
        case VariableType::kAddress:
            return host(value);
        case VariableType::kHost:
            return is_host_name(value) ? read_host_name(value, diagnostics).has_value() : host(value);
        case VariableType::kAddresses:
            return check_each(value, diagnostics, host);
        case VariableType::kNetwork:
            return network(value);
        case VariableType::kNetworks:
            return is_any(value) || check_each(value, diagnostics, network);
        case VariableType::kPort:
            return read_number(value, {1, 65535}, "a port", diagnostics).has_value();
        case VariableType::kPorts: {
            const std::size_t before = diagnostics.errors();
            (void)read_ports(value, diagnostics);
            return diagnostics.errors() == before;
        }
        case VariableType::kBool:
            return read_word(value, kSwitches, "a switch", diagnostics).has_value();
        case VariableType::kChoice:
            return choice(value);
        case VariableType::kChoices:
            return check_each(value, diagnostics, choice);
        case VariableType::kPortTable:
            return check_port_table(value, diagnostics);
    }
    return false;
}

// One spelling for conditions to compare with.
Node canonical(const Node& value, const Variable& variable) {
    Node result = value;
    if (variable.type == VariableType::kBool) {
        Diagnostics ignored;
        result.text = read_word(value, kSwitches, "a switch", ignored).value_or(false) ? "true" : "false";
    }
    return variable.type == VariableType::kChoices ? list_of(value) : result;
}

// `all` stands for every choice there is.
Node spell_out_all(const Node& value, const Variable& variable) {
    if (variable.type != VariableType::kChoices || !value.is_scalar() || value.text != "all") return value;
    Node list = list_of(value);
    list.items.clear();
    for (const std::string& choice : variable.choices) {
        Node item = value;
        item.text = choice;
        list.items.push_back(std::move(item));
    }
    return list;
}

// The last address of the IPv4 network `value`.
Node broadcast_of(const Node& value, const std::string& variable, Diagnostics& diagnostics) {
    Node result = value;
    const auto range = value.is_scalar() ? AddressRange::parse(value.text) : std::nullopt;
    if (range && range->first.family == Family::kIpv4 && !range->is_single()) {
        result.text = range->last.to_text();
    } else {
        diagnostics.error(value,
                          "'" + variable + "' has no broadcast address; write one IPv4 network, as 192.0.2.0/24");
    }
    return result;
}

}  // namespace

Bindings::Bindings(const Profile& profile, const Node& use, const Node* with, Diagnostics& diagnostics)
    : profile_(&profile) {
    bool options_good = true;
    if (with != nullptr) {
        const auto names = names_of(profile);
        const Fields fields(*with, names, "the variables of " + profile.name, diagnostics);
    }
    for (const Variable& variable : profile.variables) {
        const Node* given = with == nullptr ? nullptr : with->find(variable.name);
        if (given != nullptr) given_[variable.name] = given;
        const Node* source = given != nullptr ? given : variable.default_value;
        if (source == nullptr) continue;
        const Node value = spell_out_all(*source, variable);
        if (check_value(value, variable, diagnostics)) {
            values_[variable.name] = canonical(value, variable);
        } else {
            options_good = options_good && !variable.is_option();
        }
    }
    for (const Variable& variable : profile.variables) {
        // What the options require is noise while one of them is wrong.
        const bool conditional = options_good && variable.required_when != nullptr;
        if (variable.required || (conditional && holds(*variable.required_when, *this))) {
            require(variable, use, diagnostics);
        }
    }
}

void Bindings::require(const Variable& variable, const Node& use, Diagnostics& diagnostics) const {
    if (given(variable.name) || find(variable.name) != nullptr) return;
    const std::string description = variable.description.empty() ? "" : " (" + variable.description + ")";
    diagnostics.error(use,
                      "the profile " + profile_->name + " needs `" + variable.name + ":` under `with:`" + description);
}

const Node* Bindings::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

bool Bindings::given(std::string_view name) const {
    return given_.find(name) != given_.end();
}

Node Bindings::bind(const Node& node, const Node& use, Diagnostics& diagnostics) const {
    if (const auto name = reference(node)) {
        const std::string variable = variable_of(*name);
        const Node* value = find(variable);
        if (value != nullptr) return variable == *name ? *value : broadcast_of(*value, variable, diagnostics);
        diagnostics.error(use,
                          "the profile " + profile_->name + " uses '" + variable + "' here; give it under `with:`");
        return node;
    }
    Node bound = node;
    bound.items.clear();
    for (const Node& item : node.items) {
        Node value = bind(item, use, diagnostics);
        const bool splice = node.is_list() && reference(item) && value.is_list();
        if (splice) {
            bound.items.insert(bound.items.end(), value.items.begin(), value.items.end());
        } else {
            bound.items.push_back(std::move(value));
        }
    }
    return bound;
}

}  // namespace edgefw::policy
