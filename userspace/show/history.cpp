// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/history.h"

#include <ctime>

#include "userspace/base/terminal.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kShortDigest = 12;

std::string formatted(const std::tm* parts, const char* format) {
    char text[64] = {};
    return parts == nullptr || std::strftime(text, sizeof(text), format, parts) == 0 ? "-" : text;
}

std::string local_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts = {};
    return formatted(localtime_r(&time, &parts), "%Y-%m-%d %H:%M:%S %Z");
}

std::string utc_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts = {};
    return formatted(gmtime_r(&time, &parts), "%Y-%m-%dT%H:%M:%SZ");
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

// "eth0 alone" of a policy that was for one card; all cards else.
std::string cards_of(const history::Facts& facts) {
    return joined(facts.cards) + (facts.one_card ? " alone" : "");
}

// Nobody wrote it down when it came into force.
bool is_found(const history::Facts& facts) {
    return facts.command.empty();
}

std::string command_of(const history::Facts& facts) {
    if (is_found(facts)) return "(found in force)";
    return facts.command + (facts.from == 0 ? "" : " (entry " + std::to_string(facts.from) + " again)");
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

}  // namespace

std::string history_text(const std::vector<HistoryRow>& rows, std::size_t width) {
    Table table({{"entry", Align::kRight},
                 {"when"},
                 {"in force"},
                 {"cards"},
                 {"digest"},
                 {"rules", Align::kRight},
                 {"user"},
                 {"file"},
                 {"command"}});
    for (const HistoryRow& row : rows) {
        const history::Facts& facts = row.facts;
        const std::string in_force =
            row.in_force.empty() ? "-"
                                 : "generation " + std::to_string(facts.generation) + " on " + joined(row.in_force);
        table.add({std::to_string(facts.number), local_time(facts.time), for_terminal(in_force),
                   for_terminal(or_dash(cards_of(facts))), for_terminal(facts.digest.substr(0, kShortDigest)),
                   is_found(facts) ? "-" : std::to_string(facts.rules), for_terminal(or_dash(facts.user)),
                   for_terminal(or_dash(facts.file)), for_terminal(command_of(facts))});
    }
    return table.to_text(width);
}

ordered_json history_json(const std::vector<HistoryRow>& rows) {
    ordered_json list = ordered_json::array();
    for (const HistoryRow& row : rows) {
        const history::Facts& facts = row.facts;
        ordered_json json{{"entry", facts.number},    {"time", utc_time(facts.time)},
                          {"in_force", row.in_force}, {"generation", facts.generation},
                          {"cards", facts.cards},     {"one_card", facts.one_card},
                          {"digest", facts.digest},   {"rules", nullptr},
                          {"user", nullptr},          {"command", nullptr},
                          {"file", facts.file},       {"from", nullptr}};
        if (!is_found(facts)) json["rules"] = facts.rules;
        if (!facts.user.empty()) json["user"] = facts.user;
        if (!facts.command.empty()) json["command"] = facts.command;
        if (facts.from != 0) json["from"] = facts.from;
        list.push_back(std::move(json));
    }
    return {{"history", std::move(list)}};
}

}  // namespace edgefw::show
