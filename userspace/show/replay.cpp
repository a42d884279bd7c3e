// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/replay.h"

#include <algorithm>
#include <set>

#include "userspace/policy/reasons.h"
#include "userspace/policy/words.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using engine::Amount;
using engine::Outcome;
using engine::Tally;
using nlohmann::ordered_json;

std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

ordered_json or_null(const std::string& text) {
    return text.empty() ? ordered_json() : ordered_json(text);
}

std::uint64_t left_out(const Tally& tally) {
    std::uint64_t sum = 0;
    for (const auto& [why, entry] : tally.not_judged())
        sum += entry.packets;
    return sum;
}

std::string numbers_text(const Tally::NotJudged& entry) {
    std::string text;
    for (const std::uint64_t number : entry.first)
        text += (text.empty() ? "" : ", ") + std::to_string(number);
    const std::uint64_t more = entry.packets - entry.first.size();
    return text + (more == 0 ? "" : ", and " + std::to_string(more) + " more");
}

// A line of each policy, and who judged by it.
std::string policy_text(const ReplayedPolicy& policy) {
    std::string text = policy.name;
    if (!policy.why_in_user_space.empty()) return text + ", judged in user space: " + policy.why_in_user_space + "\n";
    if (policy.refused == 0) return text + "\n";
    text += ", " + counted(policy.refused, "packet") + " judged in user space";
    if (policy.first_refused == 0) return text + ": too short for this kernel to test-run\n";
    return text + ", those from " + std::to_string(policy.first_refused) + " on, whose frame of " +
           std::to_string(policy.refused_length) + " bytes this kernel does not test-run\n";
}

std::string head(const Tally& tally, const ReplayNames& names) {
    std::string text = names.file + ": " + counted(tally.judged(), "packet") + " judged";
    if (tally.filled_up() != 0) {
        text += ", " + std::to_string(tally.filled_up()) +
                " of them captured in part and filled up with zeros to their length";
    }
    text += "\n";
    for (const auto& [why, entry] : tally.not_judged())
        text += counted(entry.packets, "packet") + " NOT JUDGED: " + why + ": packet " + numbers_text(entry) + "\n";
    if (!names.problem.empty()) text += "NOT ALL was read: " + names.problem + "\n";
    if (names.policies.size() == 2)
        return text + "old: " + policy_text(names.policies[0]) + "new: " + policy_text(names.policies[1]);
    return text + "policy: " + policy_text(names.policies[0]);
}

// The lines of both policies, each once.
std::set<Tally::Line> lines_of(const Tally& tally) {
    std::set<Tally::Line> keys;
    for (const auto& counts : tally.counts()) {
        for (const auto& [key, amount] : counts)
            keys.insert(key);
    }
    return keys;
}

Amount amount_of(const std::map<Tally::Line, Amount>& counts, const Tally::Line& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? Amount{} : found->second;
}

std::string counts_text(const Tally& tally, std::size_t width) {
    const bool two = tally.counts().size() == 2;
    std::vector<Column> columns{{"direction"}, {"verdict"}, {"reason"}, {"rule"}, {"nat"}};
    for (const char* policy : {"old ", "new "}) {
        columns.push_back({two ? policy + std::string("packets") : "packets", Align::kRight});
        columns.push_back({two ? policy + std::string("bytes") : "bytes", Align::kRight});
        if (!two) break;
    }
    Table table(columns);
    for (const Tally::Line& key : lines_of(tally)) {
        std::vector<std::string> cells{policy::to_text(key.direction), policy::to_text(key.outcome.verdict),
                                       policy::to_text(key.outcome.reason), or_dash(key.outcome.rule),
                                       or_dash(key.outcome.nat)};
        for (const auto& counts : tally.counts()) {
            const Amount amount = amount_of(counts, key);
            cells.push_back(std::to_string(amount.packets));
            cells.push_back(std::to_string(amount.bytes));
        }
        table.add(std::move(cells));
    }
    return "\n" + table.to_text(width);
}

// Most packets first.
std::vector<const std::pair<const Tally::ChangedLine, Tally::Change>*> sorted_changes(const Tally& tally) {
    std::vector<const std::pair<const Tally::ChangedLine, Tally::Change>*> changes;
    for (const auto& change : tally.changes())
        changes.push_back(&change);
    std::stable_sort(changes.begin(), changes.end(),
                     [](const auto* a, const auto* b) { return a->second.amount.packets > b->second.amount.packets; });
    return changes;
}

std::string changes_text(const Tally& tally) {
    if (tally.counts().size() < 2) return "";
    if (tally.changes().empty()) return "\nno packet ends otherwise\n";
    std::string text;
    for (const auto* change : sorted_changes(tally)) {
        text += "\n" + counted(change->second.amount.packets, "packet") + ", " +
                policy::to_text(change->first.direction) + ", the first is " + std::to_string(change->second.first) +
                ": " + change->second.text + "\n  old: " + change->first.before.to_text() +
                "\n  new: " + change->first.after.to_text() + "\n";
    }
    return text;
}

// What makes them unexpected, behind their number.
std::string unexpected_words(const Tally& tally) {
    const bool one = tally.unexpected() == 1;
    if (tally.counts().size() == 2) return "with another verdict or translation";
    const std::string otherwise = one ? "ends otherwise than the capture says" : "end otherwise than the capture says";
    if (tally.with_verdict() == tally.judged()) return otherwise;
    return (one ? "drops" : "drop") + (tally.with_verdict() == 0 ? "" : " or " + otherwise);
}

std::string unexpected_text(const Tally& tally) {
    const bool two = tally.counts().size() == 2;
    if (tally.unexpected() == 0) {
        if (two) return "";
        return tally.with_verdict() == 0 ? "\nno packet drops\n" : "\nno packet ends otherwise than the capture says\n";
    }
    std::string text = "\n" + counted(tally.unexpected(), "packet") + " " + unexpected_words(tally) + ":\n";
    for (const Tally::Listed& packet : tally.listed()) {
        text += std::to_string(packet.number) + ": " + packet.text + "\n";
        if (packet.verdict && !two) text += std::string("  capture: ") + policy::to_text(*packet.verdict) + "\n";
        for (std::size_t i = 0; i < packet.outcomes.size(); ++i)
            text += std::string("  ") + (two ? (i == 0 ? "old: " : "new: ") : "") + packet.outcomes[i].to_text() + "\n";
    }
    const std::uint64_t more = tally.unexpected() - tally.listed().size();
    return text + (more == 0 ? "" : "and " + std::to_string(more) + " more\n");
}

ordered_json outcome_json(const Outcome& outcome) {
    return {{"verdict", policy::to_text(outcome.verdict)},
            {"reason", policy::to_text(outcome.reason)},
            {"rule", or_null(outcome.rule)},
            {"nat", or_null(outcome.nat)}};
}

ordered_json counts_json(const std::map<Tally::Line, Amount>& counts) {
    ordered_json json = ordered_json::array();
    for (const auto& [key, amount] : counts) {
        ordered_json line{{"direction", policy::to_text(key.direction)}};
        line.update(outcome_json(key.outcome));
        line["packets"] = amount.packets;
        line["bytes"] = amount.bytes;
        json.push_back(std::move(line));
    }
    return json;
}

ordered_json policy_json(const ReplayedPolicy& policy, const std::map<Tally::Line, Amount>& counts) {
    const bool all_in_user_space = !policy.why_in_user_space.empty();
    ordered_json json{{"policy", policy.name},
                      {"by", all_in_user_space ? "user-space" : "kernel"},
                      {"why", or_null(policy.why_in_user_space)}};
    json["refused"] = {{"packets", policy.refused},
                       {"first", policy.first_refused == 0 ? ordered_json() : ordered_json(policy.first_refused)}};
    json["counts"] = counts_json(counts);
    return json;
}

}  // namespace

std::string replay_text(const Tally& tally, const ReplayNames& names, std::size_t width) {
    std::string text = head(tally, names);
    if (tally.judged() == 0) return text;
    return text + counts_text(tally, width) + changes_text(tally) + unexpected_text(tally);
}

ordered_json replay_json(const Tally& tally, const ReplayNames& names) {
    ordered_json json{{"file", names.file},
                      {"packets", tally.judged() + left_out(tally)},
                      {"judged", tally.judged()},
                      {"filled_up", tally.filled_up()},
                      {"problem", or_null(names.problem)}};
    ordered_json& not_judged = json["not_judged"] = ordered_json::array();
    for (const auto& [why, entry] : tally.not_judged())
        not_judged.push_back({{"why", why}, {"packets", entry.packets}, {"first", entry.first}});
    ordered_json& policies = json["policies"] = ordered_json::array();
    for (std::size_t i = 0; i < names.policies.size(); ++i)
        policies.push_back(policy_json(names.policies[i], tally.counts()[i]));
    ordered_json& changes = json["changes"] = ordered_json::array();
    for (const auto* change : sorted_changes(tally)) {
        changes.push_back({{"direction", policy::to_text(change->first.direction)},
                           {"old", outcome_json(change->first.before)},
                           {"new", outcome_json(change->first.after)},
                           {"packets", change->second.amount.packets},
                           {"bytes", change->second.amount.bytes},
                           {"first", change->second.first},
                           {"packet", change->second.text}});
    }
    ordered_json listed = ordered_json::array();
    for (const Tally::Listed& packet : tally.listed()) {
        ordered_json outcomes = ordered_json::array();
        for (const Outcome& outcome : packet.outcomes)
            outcomes.push_back(outcome_json(outcome));
        listed.push_back({{"number", packet.number},
                          {"packet", packet.text},
                          {"capture", packet.verdict ? ordered_json(policy::to_text(*packet.verdict)) : ordered_json()},
                          {"outcomes", outcomes}});
    }
    json["unexpected"] = {{"packets", tally.unexpected()}, {"first", listed}};
    return json;
}

}  // namespace edgefw::show
