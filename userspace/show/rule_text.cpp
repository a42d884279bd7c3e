// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/rule_text.h"

namespace edgefw::show {
namespace {

std::string joined(const std::string& left, const char* separator, const std::string& right) {
    if (left.empty() || right.empty()) return left + right;
    return left + separator + right;
}

bool restricts(const std::string& text) {
    return !text.empty() && text != "any";
}

}  // namespace

const Json& at(const Json& object, const char* key) {
    static const Json null;
    const auto found = object.find(key);
    return found != object.end() ? *found : null;
}

std::string cell(const Json& value) {
    if (value.is_null()) return "";
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_structured()) return value.dump();
    std::string text;  // it grows in place: a set may have 200,000 members
    for (const auto& [key, item] : value.items()) {
        const std::string one = value.is_object() ? joined(key, " ", cell(item)) : cell(item);
        if (!text.empty() && !one.empty()) text += ", ";
        text += one;
    }
    return text;
}

std::string or_any(const Json& value) {
    const std::string text = cell(value);
    return text.empty() ? "any" : text;
}

std::string protocol_cell(const Json& rule) {
    std::string text =
        rule.contains("ethertype") ? "ethertype " + cell(at(rule, "ethertype")) : or_any(at(rule, "protocol"));
    text = joined(text, " ", cell(at(rule, "tcp_flags")));
    if (cell(at(rule, "established")) == "true") text += " established";
    text = joined(text, " ", cell(at(rule, "icmp")));
    const std::string vlan = cell(at(rule, "vlan"));
    return vlan.empty() ? text : text + " vlan " + vlan;
}

std::string end_cell(const Json& addresses, const Json& ports) {
    const std::string port = cell(ports);
    return or_any(addresses) + (restricts(port) ? " :" + port : "");
}

std::string rule_end_cell(const Json& rule, const std::string& end) {
    if (rule.contains("ethertype")) return "";
    return end_cell(at(rule, end.c_str()), at(rule, (end + "_port").c_str()));
}

std::string action_cell(const Json& rule) {
    std::string action = cell(at(rule, "action"));
    if (action == "pass" && !rule.contains("ethertype") && cell(at(rule, "state")) == "none") action += ", no state";
    return cell(at(rule, "log")) == "true" ? action + ", log" : action;
}

std::string source_text(const Json& rule) {
    std::string text;
    for (const char* key : {"table", "figure"}) {
        const std::string number = cell(at(rule, key));
        if (!number.empty()) text = joined(text, ", ", std::string(key) + " " + number);
    }
    text = joined(text, ", ", cell(at(rule, "section")));
    return joined(text, ": ", cell(at(rule, "document")));
}

}  // namespace edgefw::show
