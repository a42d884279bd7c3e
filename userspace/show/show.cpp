// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/show.h"

#include <ctime>

#include "userspace/language/states.h"
#include "userspace/show/hosts.h"
#include "userspace/show/rule_text.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

Result<Json> parse_document(const std::string& text) {
    Json document = Json::parse(text, nullptr, false);
    if (!document.is_object()) {
        return failed("the document kept with the policy in force is not readable: push the policy again");
    }
    return document;
}

// What names the rows below it: equal for neighbours that stem from the same table of the same document.
std::string heading(const Json& rule, const std::string& file) {
    const std::string profile = cell(at(rule, "profile"));
    if (profile.empty()) return file.empty() ? "the policy itself" : file;
    const std::string source = source_text(rule);
    return source.empty() ? profile : profile + ", " + source;
}

std::string rules_text(const Json& document, std::size_t width) {
    Table table({{"rule"}, {"side"}, {"direction"}, {"protocol"}, {"local"}, {"remote"}, {"action"}});
    const std::string file = cell(at(document, "file"));
    std::string last;
    for (const Json& rule : at(document, "rules")) {
        const std::string head = heading(rule, file);
        if (head != last) table.add_heading(head);
        last = head;
        table.add({cell(at(rule, "id")), cell(at(rule, "side")), cell(at(rule, "direction")), protocol_cell(rule),
                   rule_end_cell(rule, "local"), rule_end_cell(rule, "remote"), action_cell(rule)});
    }
    return table.empty() ? "no rules\n" : table.to_text(width);
}

std::string nat_text(const Json& document, std::size_t width) {
    Table table({{"nat"}, {"type"}, {"side"}, {"protocol"}, {"from"}, {"to"}, {"public"}});
    for (const Json& entry : at(document, "nat")) {
        table.add({cell(at(entry, "id")), cell(at(entry, "type")), cell(at(entry, "sides")), protocol_cell(entry),
                   cell(at(entry, "from")), end_cell(at(entry, "to"), at(entry, "to_port")),
                   end_cell(at(entry, "public"), at(entry, "public_port"))});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

std::string sets_text(const Json& document, std::size_t width, Members members) {
    const bool all = members == Members::kListed;
    Table table({{"set"}, {"members", all ? Align::kLeft : Align::kRight}});
    for (const Json& set : at(document, "sets")) {
        const Json& list = at(set, "members");
        table.add({"$" + cell(at(set, "name")), all ? cell(list) : std::to_string(list.size())});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

// Says the timeouts that differ from the defaults. Several states may have one timeout.
std::string timeouts_text(const Json& document) {
    std::string text;
    for (std::size_t state = 0; state < EDGEFW_STATE_COUNT; ++state) {
        if (state > 0 && policy::kStateNames[state] == policy::kStateNames[state - 1]) continue;
        const std::string name(policy::kStateNames[state]);
        const Json& value = at(at(document, "timeouts"), name.c_str());
        if (!value.is_null() && value != policy::kStateSeconds[state])
            text += "timeout " + name + ": " + cell(value) + " s\n";
    }
    return text;
}

std::string defaults_text(const Json& document) {
    std::string text;
    for (const auto& [side, directions] : at(document, "defaults").items()) {
        text += "default " + side + ": " + cell(directions) + "\n";
    }
    for (const Json& builtin : at(document, "builtins")) {
        if (cell(at(builtin, "on")) == "false") text += "off: " + cell(at(builtin, "id")) + "\n";
    }
    text += timeouts_text(document);
    if (document.contains("adopt")) text += "adopt: " + cell(at(document, "adopt")) + " s after the first push\n";
    if (document.contains("rollback_grace"))
        text += "revoked connections are kept for " + cell(at(document, "rollback_grace")) + " s after a push\n";
    return text.empty() ? "" : "\n" + text;
}

}  // namespace

Result<Json> show_json(const std::string& document) {
    Result<Json> parsed = parse_document(document);
    if (!parsed) return parsed.error();
    for (const char* list : {"rules", "nat"}) {
        const auto found = parsed->find(list);
        if (found == parsed->end() || !found->is_array()) continue;
        for (Json& entry : *found)
            entry.erase("slot");
    }
    return parsed;
}

Result<std::string> show_text(const std::string& document, std::size_t width, Members members) {
    const Result<Json> parsed = parse_document(document);
    if (!parsed) return parsed.error();
    return rules_text(*parsed, width) + nat_text(*parsed, width) + sets_text(*parsed, width, members) +
           hosts_table(at(*parsed, "hosts"), std::time(nullptr), width) + defaults_text(*parsed);
}

}  // namespace edgefw::show
