// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/sample.h"

#include <algorithm>

#include "userspace/language/fields.h"

namespace edgefw::policy {
namespace {

// Distinct, and publicly routable, as constraints ask: 11.0.0.0/8 is no special-purpose network.
std::string sample_value(const Variable& variable, std::size_t index) {
    const std::string number = std::to_string(index + 1);
    switch (variable.type) {
        case VariableType::kAddress:
            return "11.0." + number + ".1";
        case VariableType::kAddresses:
            return "[11.0." + number + ".1, 11.0." + number + ".2]";
        case VariableType::kNetwork:
            return "11.1." + number + ".0/24";
        case VariableType::kNetworks:
            return "[11.1." + number + ".0/24, 11.2." + number + ".0/24]";
        case VariableType::kHost:
            return "11.3." + number + ".1";
        case VariableType::kPort:
            return std::to_string(20000 + index);
        case VariableType::kPorts:
            return std::to_string(21000 + 20 * index) + "-" + std::to_string(21009 + 20 * index);
        case VariableType::kPortTable:
            return "{" + std::to_string(22000 + index) + ": 11.4." + number + ".1}";
        case VariableType::kBool:
        case VariableType::kChoice:
        case VariableType::kChoices:
            break;
    }
    return "";
}

// "name: value" of one option changed; empty: the default.
std::vector<std::string> changed_options(const Profile& profile) {
    std::vector<std::string> settings = {""};
    for (const Variable& variable : profile.variables) {
        if (variable.type == VariableType::kBool) {
            for (const char* value : {"true", "false"})
                settings.push_back(variable.name + ": " + value);
        }
        for (const std::string& choice : variable.choices) {
            if (!variable.refused.contains(choice)) settings.push_back(variable.name + ": " + choice);
        }
    }
    return settings;
}

// The options as the condition of a row asks for them; what is `given` or `absent` is for the variables.
std::string setting_of(const Profile& profile, const Node& condition) {
    std::string setting;
    for (std::size_t i = 0; i + 1 < condition.items.size(); i += 2) {
        const Variable* variable = profile.find(condition.items[i].text);
        const auto values = one_or_several(condition.items[i + 1]);
        if (variable == nullptr || !variable->is_option() || values.empty()) continue;
        const std::string& value = values.front().text;
        if (value == "given" || value == "absent") continue;
        setting.append(setting.empty() ? "" : ", ").append(variable->name).append(": ").append(value);
    }
    return setting;
}

// Every row has its day: conditions may ask for more than one option that is not the default.
void add_conditions(const Profile& profile, std::vector<std::string>& settings) {
    for (const auto* rows : {&profile.rules, &profile.nat, &profile.must_pass, &profile.must_drop}) {
        for (const Node* row : *rows) {
            const Node* when = row->find("when");
            if (when == nullptr || !when->is_map()) continue;
            std::string setting = setting_of(profile, *when);
            if (std::find(settings.begin(), settings.end(), setting) == settings.end())
                settings.push_back(std::move(setting));
        }
    }
}

std::string policy_text(const Profile& profile, bool all, const std::string& setting) {
    std::string with = setting;
    for (std::size_t i = 0; i < profile.variables.size(); ++i) {
        const Variable& variable = profile.variables[i];
        const bool must = variable.required || variable.required_when != nullptr;
        const std::string value = sample_value(variable, i);
        if (value.empty() || (!all && !must)) continue;
        with.append(with.empty() ? "" : ", ").append(variable.name).append(": ").append(value);
    }
    return "version: 1\ndefault: drop\nrules:\n  - use: " + profile.name + "\n    with: {" + with + "}\n";
}

}  // namespace

std::vector<std::string> sample_policies(const Profile& profile) {
    std::vector<std::string> policies;
    std::vector<std::string> settings = changed_options(profile);
    add_conditions(profile, settings);
    for (const std::string& setting : settings) {
        for (const bool all : {false, true}) {
            std::string text = policy_text(profile, all, setting);
            if (std::find(policies.begin(), policies.end(), text) == policies.end())
                policies.push_back(std::move(text));
        }
    }
    return policies;
}

void give_sample_addresses(std::vector<Host>& hosts) {
    for (std::size_t i = 0; i < hosts.size(); ++i)
        hosts[i].addresses = {*Address::parse("11.4." + std::to_string(i + 1) + ".1")};
}

}  // namespace edgefw::policy
