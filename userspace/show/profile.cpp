// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/profile.h"

#include "userspace/show/rule_text.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

std::string conditions(const Json& condition) {
    const std::string text = cell(condition);
    return text.empty() ? "" : "when " + text;
}

// "required", "required when ...", "default ...", "optional".
std::string presence(const Json& variable) {
    const std::string fallback = cell(at(variable, "default"));
    if (!fallback.empty()) return "default " + fallback;
    const Json& required = at(variable, "required");
    if (required.is_boolean()) return required.get<bool>() ? "required" : "optional";
    return required.is_null() ? "optional" : "required " + conditions(required);
}

std::string type_text(const Json& variable) {
    const std::string choices = cell(at(variable, "choices"));
    return cell(at(variable, "type")) + (choices.empty() ? "" : ": " + choices);
}

std::string variables_text(const Json& variables, const char* what, std::size_t width) {
    Table table({{what}, {"type"}, {"given"}, {"description"}});
    for (const Json& variable : variables) {
        table.add(
            {cell(at(variable, "name")), type_text(variable), presence(variable), cell(at(variable, "description"))});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

// What a row belongs to: "access-edge, table 10, figure 5".
std::string heading(const Json& row) {
    const std::string role = cell(at(row, "role"));
    const std::string source = source_text(row);
    return role + (role.empty() || source.empty() ? "" : ", ") + source;
}

std::string rules_text(const Json& rules, const std::string& section, std::size_t width) {
    Table table({{"rule"}, {"side"}, {"direction"}, {"protocol"}, {"local"}, {"remote"}, {"only"}});
    std::string last;
    for (const Json& rule : rules) {
        const std::string head = heading(rule);
        if (head != last) table.add_heading(!head.empty() ? head : section.empty() ? "rules" : section);
        last = head;
        table.add({cell(at(rule, "name")), cell(at(rule, "side")), cell(at(rule, "direction")), protocol_cell(rule),
                   rule_end_cell(rule, "local"), rule_end_cell(rule, "remote"), conditions(at(rule, "when"))});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

std::string nat_text(const Json& nat, std::size_t width) {
    Table table({{"nat"}, {"type"}, {"protocol"}, {"from"}, {"public"}, {"to"}, {"as"}, {"only"}});
    for (const Json& entry : nat) {
        const bool mapped = !cell(at(entry, "map")).empty();
        table.add({cell(at(entry, "name")), cell(at(entry, "type")), cell(at(entry, "protocol")),
                   cell(at(entry, "from")), end_cell(at(entry, "public"), at(entry, "public_port")),
                   end_cell(at(entry, mapped ? "map" : "to"), at(entry, "to_port")), cell(at(entry, "as")),
                   conditions(at(entry, "when"))});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

std::string document_text(const Json& document) {
    std::string text;
    for (const char* key : {"title", "file", "url"}) {
        const std::string value = cell(at(document, key));
        if (!value.empty()) text += std::string(text.empty() ? "source: " : "        ") + value + "\n";
    }
    return text;
}

std::string constraints_text(const Json& constraints) {
    std::string text;
    for (const Json& constraint : constraints)
        text += "constraint: " + cell(constraint) + "\n";
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string profile_text(const Json& profile, std::size_t width) {
    return cell(at(profile, "name")) + ": " + cell(at(profile, "title")) + "\n" +
           document_text(at(profile, "document")) + variables_text(at(profile, "variables"), "variable", width) +
           variables_text(at(profile, "options"), "option", width) +
           rules_text(at(profile, "rules"), cell(at(at(profile, "document"), "section")), width) +
           nat_text(at(profile, "nat"), width) + constraints_text(at(profile, "constraints"));
}

}  // namespace edgefw::show
