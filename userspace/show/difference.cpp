// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/difference.h"

#include <algorithm>

#include "userspace/policy/reasons.h"

namespace edgefw::show {
namespace {

using difference::Change;
using difference::Difference;
using difference::Judged;
using difference::Kind;
using nlohmann::ordered_json;

constexpr std::size_t kMostChanges = 20;  // as text; JSON has all

std::string counted(std::size_t count, const std::string& one, const std::string& several) {
    return std::to_string(count) + " " + (count == 1 ? one : several);
}

std::string judged_text(const Judged& judged, Kind kind) {
    std::string text = policy::to_text(judged.verdict);
    text += judged.rule.empty() ? ", default" : ", rule " + judged.rule;
    if (kind == Kind::kState) text += judged.keeps ? ", state keep" : ", state none";
    if (!judged.nat.empty()) text += ", nat " + judged.nat;
    return text;
}

ordered_json judged_json(const Judged& judged, Kind kind) {
    ordered_json json{{"verdict", policy::to_text(judged.verdict)},
                      {"rule", judged.rule.empty() ? ordered_json() : ordered_json(judged.rule)}};
    if (kind == Kind::kState) json["state"] = judged.keeps ? "keep" : "none";
    if (!judged.nat.empty()) json["nat"] = judged.nat;
    return json;
}

std::string change_text(const Change& change) {
    std::string text = std::string(difference::to_text(change.kind)) + ": " + judged_text(change.from, change.kind) +
                       " -> " + judged_text(change.to, change.kind) + "\n";
    for (const std::string& box : change.boxes)
        text += "  " + box + "\n";
    if (change.more > 0) text += "  and " + counted(change.more, "more box", "more boxes") + "\n";
    if (change.witness) text += "  for example " + change.witness->to_text() + "\n";
    return text;
}

std::string summary_text(const Difference& difference) {
    std::string text;
    for (const Kind kind : {Kind::kNarrowed, Kind::kWidened, Kind::kRetranslated, Kind::kState, Kind::kRule}) {
        const auto count = std::count_if(difference.changes.begin(), difference.changes.end(),
                                         [kind](const Change& change) { return change.kind == kind; });
        if (count == 0) continue;
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + difference::to_text(kind);
    }
    const std::string number = counted(difference.changes.size(), "change", "changes");
    const std::string of = text.empty() ? "" : ": " + text;
    if (difference.is_complete) return number + of + "\n";
    return "more than " + number + of + "; the rest was not looked for, it takes too long\n";
}

std::vector<std::string> ids_of(const std::vector<edgefw_builtin>& builtins) {
    std::vector<std::string> ids;
    for (const edgefw_builtin builtin : builtins)
        ids.emplace_back(policy::kBuiltinIds[builtin]);
    return ids;
}

using Renamed = std::vector<std::pair<std::string, std::string>>;

void add_renamed(const char* what, const Renamed& renamed, std::string& text) {
    if (renamed.empty()) return;
    text += std::string("renamed ") + what + ": ";
    for (std::size_t i = 0; i < std::min(renamed.size(), kMostChanges); ++i)
        text.append(i == 0 ? "" : ", ").append(renamed[i].first).append(" -> ").append(renamed[i].second);
    if (renamed.size() > kMostChanges) text += " and " + std::to_string(renamed.size() - kMostChanges) + " more";
    text += "\n";
}

ordered_json renamed_json(const Renamed& renamed) {
    ordered_json list = ordered_json::array();
    for (const auto& [from, to] : renamed)
        list.push_back({{"from", from}, {"to", to}});
    return list;
}

// What is the same in other words.
std::string notes_text(const Difference& difference) {
    std::string text;
    for (const std::string& id : ids_of(difference.turned_on))
        text += id + " is on now\n";
    for (const std::string& id : ids_of(difference.turned_off))
        text += id + " is off now\n";
    add_renamed("rules", difference.renamed, text);
    add_renamed("NAT entries", difference.renamed_nat, text);
    if (difference.moved > 0)
        text += counted(difference.moved, "rule that means the same stands", "rules that mean the same stand") +
                " in another place\n";
    for (const std::string& line : difference.settings)
        text += "setting " + line + "\n";
    return text;
}

}  // namespace

std::string difference_text(const Difference& difference, bool replayed) {
    if (difference.is_none()) return "no packet changes verdict, rule or translation\n" + notes_text(difference);
    std::string text = summary_text(difference);
    bool has_examples = false;
    for (std::size_t i = 0; i < std::min(difference.changes.size(), kMostChanges); ++i) {
        text += "\n" + change_text(difference.changes[i]);
        has_examples = has_examples || difference.changes[i].witness;
    }
    if (difference.changes.size() > kMostChanges)
        text += "\nand " + counted(difference.changes.size() - kMostChanges, "more change", "more changes") +
                "; --json has them\n";
    const std::string notes = notes_text(difference);
    if (!notes.empty()) text += "\n" + notes;
    if (has_examples && !replayed)
        text += "\nthe examples were not judged by the policies' programs: that needs root\n";
    return text;
}

ordered_json difference_json(const Difference& difference, bool replayed) {
    ordered_json changes = ordered_json::array();
    for (const Change& change : difference.changes) {
        changes.push_back({{"kind", difference::to_text(change.kind)},
                           {"from", judged_json(change.from, change.kind)},
                           {"to", judged_json(change.to, change.kind)},
                           {"boxes", change.boxes},
                           {"more", change.more},
                           {"witness", change.witness ? ordered_json(change.witness->to_text()) : ordered_json()}});
    }
    return {{"same", difference.is_none()},
            {"complete", difference.is_complete},
            {"replayed", replayed},
            {"changes", std::move(changes)},
            {"builtins_on", ids_of(difference.turned_on)},
            {"builtins_off", ids_of(difference.turned_off)},
            {"renamed", renamed_json(difference.renamed)},
            {"renamed_nat", renamed_json(difference.renamed_nat)},
            {"moved", difference.moved},
            {"settings", difference.settings}};
}

}  // namespace edgefw::show
