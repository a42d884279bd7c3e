// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/foreseen.h"

#include <algorithm>
#include <numeric>

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostFlows = 20;  // as text; JSON has all
constexpr std::size_t kMostBoxes = 5;   // of a rule, likewise: the difference itself says more

std::string counted(std::uint64_t count, const std::string& one) {
    return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string drops_text(const std::vector<DropRow>& drops, std::uint64_t minutes) {
    if (drops.empty()) return "";
    const std::uint64_t packets =
        std::accumulate(drops.begin(), drops.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const DropRow& row) { return sum + row.count; });
    std::string text =
        counted(packets, "recorded drop") + " of the last " + counted(minutes, "minute") + " would pass:\n";
    for (std::size_t i = 0; i < std::min(drops.size(), kMostFlows); ++i) {
        const DropRow& row = drops[i];
        text += "  " + counted(row.count, "packet") + ", " + row.newest.interface + " " + row.direction() + " " +
                flow_text(row) + ": " + (row.now.rule.empty() ? row.now.reason : "rule " + row.now.rule) + "\n";
    }
    if (drops.size() > kMostFlows) text += "  and " + counted(drops.size() - kMostFlows, "more flow") + "\n";
    return text;
}

std::string openers_text(const std::vector<PassedOpeners>& openers) {
    std::string text;
    for (const PassedOpeners& rule : openers) {
        text += "rule " + rule.rule + " opened " + counted(rule.opened, "connection") +
                "; of its packets these would drop:\n";
        const std::size_t shown = std::min(rule.boxes.size(), kMostBoxes);
        for (std::size_t i = 0; i < shown; ++i)
            text += "  " + rule.boxes[i] + "\n";
        const std::size_t more = rule.boxes.size() - shown + rule.more;
        if (more != 0) text += "  and " + std::to_string(more) + (more == 1 ? " more box\n" : " more boxes\n");
    }
    return text;
}

}  // namespace

std::vector<DropRow> that_would_pass(std::vector<DropRow> dropped) {
    std::erase_if(dropped, [](const DropRow& row) { return !row.now.passes; });
    std::stable_sort(dropped.begin(), dropped.end(),
                     [](const DropRow& a, const DropRow& b) { return a.count > b.count; });
    return dropped;
}

std::vector<PassedOpeners> openers_that_drop(const difference::Difference& difference,
                                             const std::map<std::string, std::uint64_t>& opened) {
    std::vector<PassedOpeners> found;
    for (const difference::Change& change : difference.changes) {
        if (change.kind != difference::Kind::kNarrowed) continue;
        const auto count = opened.find(change.from.rule);
        if (count == opened.end() || count->second == 0) continue;
        auto entry = std::find_if(found.begin(), found.end(),
                                  [&](const PassedOpeners& known) { return known.rule == change.from.rule; });
        if (entry == found.end()) entry = found.insert(found.end(), {change.from.rule, count->second});
        entry->boxes.insert(entry->boxes.end(), change.boxes.begin(), change.boxes.end());
        entry->more += change.more;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const PassedOpeners& a, const PassedOpeners& b) { return a.opened > b.opened; });
    return found;
}

std::string foreseen_text(const Foreseen& foreseen, std::uint64_t minutes) {
    return drops_text(foreseen.drops, minutes) + openers_text(foreseen.openers);
}

ordered_json foreseen_json(const Foreseen& foreseen, std::uint64_t minutes) {
    ordered_json drops = ordered_json::array(), openers = ordered_json::array();
    for (const DropRow& row : foreseen.drops)
        drops.push_back(drop_json(row));
    for (const PassedOpeners& rule : foreseen.openers)
        openers.push_back({{"rule", rule.rule}, {"opened", rule.opened}, {"boxes", rule.boxes}, {"more", rule.more}});
    return {{"minutes", minutes}, {"drops", std::move(drops)}, {"openers", std::move(openers)}};
}

}  // namespace edgefw::show
