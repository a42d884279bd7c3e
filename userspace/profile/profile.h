// SPDX-License-Identifier: GPL-2.0-only
// A profile: a vendor's firewall page as data. Structure is checked when it is read; values when it is used.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::policy {

enum class VariableType {
    kAddress,    // one host
    kAddresses,  // one host or a list of hosts
    kNetwork,    // host, prefix, range or $set
    kNetworks,   // a list of those, or any
    kHost,       // one host, by address or name
    kPort,
    kPorts,  // as `local_port:` of a rule
    kBool,
    kChoice,
    kChoices,    // a list of choices, or all
    kPortTable,  // as `map:` of a NAT entry: a host for each port
};

std::string_view to_text(VariableType type);

struct Variable {
    std::string name;
    VariableType type = VariableType::kAddress;
    std::string description;
    const Node* default_value = nullptr;  // nullptr: none
    const Node* required_when = nullptr;  // condition under which it must be given
    bool required = false;                // must be given always
    std::vector<std::string> choices;
    std::map<std::string, std::string> refused;  // choice -> why it is refused for now

    bool is_option() const { return type >= VariableType::kBool; }
};

// Nodes point into `syntax`: a profile is shared, never copied.
struct Profile {
    Syntax syntax;
    std::string text;  // what `syntax` was read from
    std::string name;
    std::string title;
    std::string document;  // title of the source document
    std::string document_file;
    std::string document_url;
    std::string section;  // of the document, for every row that names none
    std::vector<Variable> variables;
    std::vector<const Node*> rules;
    std::vector<const Node*> nat;
    std::vector<const Node*> constraints;
    std::vector<const Node*> must_pass;
    std::vector<const Node*> must_drop;
    std::vector<std::string> notes;  // what the document leaves unclear, and how it was read

    const Variable* find(std::string_view variable) const;
};

// The profile in `text`; nullptr and errors in `diagnostics` when it is not a sound one.
std::shared_ptr<const Profile> parse_profile(const std::string& text, const std::string& file,
                                             Diagnostics& diagnostics);

// NAME.yaml from the first folder that holds it.
Result<std::shared_ptr<const Profile>> load_profile(const std::string& name, const ProfilePath& profiles);

// `profile show --json`: name, title, document, variables, options, rules, nat, constraints, notes.
nlohmann::ordered_json show(const Profile& profile);

}  // namespace edgefw::policy
