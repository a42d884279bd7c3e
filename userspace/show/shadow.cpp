// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/shadow.h"

#include "userspace/policy/reasons.h"
#include "userspace/policy/words.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

policy::Action other(policy::Action verdict) {
    return verdict == policy::Action::kPass ? policy::Action::kDrop : policy::Action::kPass;
}

std::string decider(policy::Action verdict, const std::string& rule, edgefw_reason reason) {
    return std::string(policy::to_text(verdict)) + ", " + (rule.empty() ? policy::to_text(reason) : rule);
}

ordered_json decision_json(policy::Action verdict, const std::string& rule, edgefw_reason reason) {
    return {{"verdict", policy::to_text(verdict)},
            {"reason", policy::to_text(reason)},
            {"rule", rule.empty() ? ordered_json() : ordered_json(rule)}};
}

}  // namespace

std::string shadow_line(const kernel::CardShadow& shadow) {
    return (shadow.file == "-"    ? "standard input"
            : shadow.file.empty() ? shadow.digest.substr(0, 12)
                                  : shadow.file) +
           ", asked about " + std::to_string(shadow.asked) + ", would decide " + std::to_string(shadow.different) +
           " otherwise";
}

ordered_json shadow_json(const kernel::CardShadow& shadow) {
    return {{"file", shadow.file.empty() ? ordered_json() : ordered_json(shadow.file)},
            {"digest", shadow.digest},
            {"asked", shadow.asked},
            {"different", shadow.different},
            {"uncounted", shadow.uncounted}};
}

ordered_json shadows_json(const std::vector<kernel::CardShadow>& shadows) {
    ordered_json all = ordered_json::array();
    for (const kernel::CardShadow& shadow : shadows) {
        ordered_json json = {{"interface", shadow.interface}};
        json.update(shadow_json(shadow));
        ordered_json differences = ordered_json::array();
        for (const kernel::ShadowDifference& one : shadow.differences)
            differences.push_back({{"direction", policy::to_text(one.direction)},
                                   {"in_force", decision_json(one.verdict, one.rule, one.reason)},
                                   {"shadow", decision_json(other(one.verdict), one.shadow_rule, one.shadow_reason)},
                                   {"packets", one.packets},
                                   {"connections", one.connections}});
        json["differences"] = std::move(differences);
        all.push_back(std::move(json));
    }
    return {{"shadows", std::move(all)}};
}

std::string shadows_text(const std::vector<kernel::CardShadow>& shadows, std::size_t width) {
    std::string text;
    for (const kernel::CardShadow& shadow : shadows) {
        text += (text.empty() ? "" : "\n") + shadow.interface + ": " + shadow_line(shadow) + "\n";
        Table table(
            {{"direction"}, {"in force"}, {"shadow"}, {"packets", Align::kRight}, {"open connections", Align::kRight}});
        for (const kernel::ShadowDifference& one : shadow.differences)
            table.add({policy::to_text(one.direction), decider(one.verdict, one.rule, one.reason),
                       decider(other(one.verdict), one.shadow_rule, one.shadow_reason), std::to_string(one.packets),
                       std::to_string(one.connections)});
        if (!table.empty()) text += "\n" + table.to_text(width);
        if (shadow.uncounted > 0)
            text += std::to_string(shadow.uncounted) +
                    " more are of pairs of rules for which there was no room; `edgefw diff` has them all\n";
    }
    return text;
}

}  // namespace edgefw::show
