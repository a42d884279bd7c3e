// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/profile_page.h"

#include <cctype>
#include <map>

#include "userspace/show/rule_text.h"

namespace edgefw::show {
namespace {

// A vertical line would end the cell.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text)
        result += c == '|' ? std::string("\\|") : std::string(1, c);
    return result;
}

std::string code(const std::string& text) {
    return text.empty() ? "" : "`" + escaped(text) + "`";
}

std::string capital(std::string text) {
    if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

class Page {
public:
    explicit Page(const Json& profile) : profile_(profile) {
        for (const char* list : {"variables", "options"}) {
            for (const Json& variable : at(profile, list))
                descriptions_[cell(at(variable, "name"))] = cell(at(variable, "description"));
        }
    }

    std::string write() {
        const std::string name = cell(at(profile_, "name"));
        line("# " + name);
        line("");
        line(cell(at(profile_, "title")) + ".");
        line("");
        write_source();
        line("<!-- Made by `edgefw profile show " + name + " --markdown`: change the profile, not this page. -->");
        write_use(name);
        write_variables("Variables", "variables");
        write_variables("Options", "options");
        write_rules();
        write_nat();
        write_constraints();
        write_notes();
        return std::move(text_);
    }

private:
    void line(const std::string& text) { text_ += text + "\n"; }

    void heading(const std::string& text) {
        line("");
        line("## " + text);
        line("");
    }

    void write_source() {
        const Json& document = at(profile_, "document");
        std::string text = "Source: *" + cell(at(document, "title")) + "*";
        for (const char* key : {"section", "file", "url"}) {
            const std::string value = cell(at(document, key));
            if (value.empty()) continue;
            text += std::string(key) == "file" ? ", `" + value + "`" : ", " + value;
        }
        line(text + ".");
        line("");
    }

    void write_use(const std::string& name) {
        line("");
        line("```yaml");
        line("rules:");
        line("  - use: " + name);
        bool with = false;
        for (const Json& variable : at(profile_, "variables")) {
            const Json& required = at(variable, "required");
            const bool must = required.is_boolean() ? required.get<bool>() : !required.is_null();
            if (!must) continue;
            if (!with) line("    with:");
            with = true;
            line("      " + cell(at(variable, "name")) + ":   # " + cell(at(variable, "description")));
        }
        line("```");
    }

    void write_variables(const std::string& title, const char* list) {
        if (at(profile_, list).empty()) return;
        heading(title);
        line("| name | value | left out | meaning |");
        line("|---|---|---|---|");
        for (const Json& variable : at(profile_, list)) {
            line("| " + code(cell(at(variable, "name"))) + " | " + value_text(variable) + " | " +
                 absent_text(variable) + " | " + escaped(cell(at(variable, "description"))) + " |");
        }
    }

    static std::string value_text(const Json& variable) {
        const Json& choices = at(variable, "choices");
        std::string text = cell(at(variable, "type"));
        if (choices.is_array() && !choices.empty()) {
            text = text == "choices" ? "some of " : "one of ";
            for (std::size_t i = 0; i < choices.size(); ++i)
                text += (i == 0 ? "" : ", ") + code(choices[i].get<std::string>());
        }
        const Json& refused = at(variable, "refused");
        if (refused.is_object()) {
            for (const auto& [choice, reason] : refused.items())
                text += "; not yet " + code(choice) + ": " + escaped(cell(reason));
        }
        return text;
    }

    static std::string absent_text(const Json& variable) {
        const std::string fallback = cell(at(variable, "default"));
        if (!fallback.empty()) return code(fallback);
        const Json& required = at(variable, "required");
        if (required.is_boolean()) return required.get<bool>() ? "an error" : "none";
        return required.is_null() ? "none" : "needed with " + code(cell(required));
    }

    // "Table 10: access-edge", "Ports, section 4": what the document calls the place.
    std::string place(const Json& rule) const {
        const std::string role = cell(at(rule, "role")), table = cell(at(rule, "table"));
        std::string section = cell(at(rule, "section"));
        if (section.empty()) section = cell(at(at(profile_, "document"), "section"));
        std::string text = table.empty() ? section : "Table " + table;
        if (text.empty()) text = "Rules";
        return role.empty() ? text : text + ": " + role;
    }

    std::string address_text(const Json& addresses) const {
        const std::string text = or_any(addresses);
        if (text == "any") return "any";
        const auto known = text.starts_with('$') ? descriptions_.find(text.substr(1)) : descriptions_.end();
        if (known == descriptions_.end() || known->second.empty()) return code(text);
        return escaped(known->second) + " (" + code(text) + ")";
    }

    std::string row_text(const Json& rule) const {
        const std::string protocol = protocol_cell(rule);
        const auto port = [&](const char* key) {
            const std::string text = or_any(at(rule, key));
            return text == "any" ? "any" : text + " " + protocol;
        };
        if (rule.contains("ethertype"))
            return "Frames: " + protocol + "<br>Direction: " + cell(at(rule, "direction")) + outcome_text(rule);
        std::string text = "Local port: " + port("local_port") + "<br>Direction: " + cell(at(rule, "direction")) +
                           "<br>Remote port: " + port("remote_port") +
                           "<br>Local IP: " + address_text(at(rule, "local")) +
                           "<br>Remote IP: " + address_text(at(rule, "remote"));
        if (or_any(at(rule, "local_port")) == "any" && or_any(at(rule, "remote_port")) == "any")
            text = "Protocol: " + (protocol.empty() ? "any" : protocol) + "<br>" + text;
        return text + outcome_text(rule);
    }

    static std::string outcome_text(const Json& rule) {
        std::string text;
        if (cell(at(rule, "state")) == "none") text += "<br>Each packet by itself (no state)";
        if (cell(at(rule, "action")) == "drop") text += "<br>Dropped";
        return text;
    }

    void write_rules() {
        if (at(profile_, "rules").empty()) return;
        heading("Rules");
        std::string last;
        bool figures = false;
        for (const Json& rule : at(profile_, "rules"))
            figures = figures || !at(rule, "figure").is_null();
        for (const Json& rule : at(profile_, "rules")) {
            const std::string head = place(rule);
            if (head != last) {
                if (!last.empty()) line("");
                line("### " + head);
                line("");
                line(std::string("| Firewall | Policy rule |") + (figures ? " Figure |" : "") +
                     " For | Rule | Only with |");
                line(std::string("|---|---|") + (figures ? "---|" : "") + "---|---|---|");
            }
            last = head;
            const std::string role = cell(at(rule, "role"));
            line("| " + capital(cell(at(rule, "side"))) + " | " + row_text(rule) + " | " +
                 (figures ? cell(at(rule, "figure")) + " | " : "") + escaped(cell(at(rule, "description"))) + " | " +
                 code((role.empty() ? "" : role + "/") + cell(at(rule, "name"))) + " | " +
                 code(cell(at(rule, "when"))) + " |");
        }
    }

    void write_nat() {
        if (at(profile_, "nat").empty()) return;
        heading("NAT");
        line("| entry | type | protocol | from | public | to | as | only with |");
        line("|---|---|---|---|---|---|---|---|");
        for (const Json& entry : at(profile_, "nat")) {
            const bool mapped = !cell(at(entry, "map")).empty();
            line("| " + code(cell(at(entry, "name"))) + " | " + cell(at(entry, "type")) + " | " +
                 cell(at(entry, "protocol")) + " | " + code(cell(at(entry, "from"))) + " | " +
                 code(end_cell(at(entry, "public"), at(entry, "public_port"))) + " | " +
                 code(end_cell(at(entry, mapped ? "map" : "to"), at(entry, "to_port"))) + " | " +
                 code(cell(at(entry, "as"))) + " | " + code(cell(at(entry, "when"))) + " |");
        }
    }

    void write_constraints() {
        if (at(profile_, "constraints").empty()) return;
        heading("Constraints");
        for (const Json& constraint : at(profile_, "constraints")) {
            std::string text = "* " + capital(cell(at(constraint, "reason")));
            for (const char* kind : {"publicly-routable", "no-nat"}) {
                const std::string variables = cell(at(constraint, kind));
                if (!variables.empty()) text += std::string(" (") + kind + ": " + code(variables) + ")";
            }
            const std::string section = cell(at(constraint, "section")), only = cell(at(constraint, "when"));
            const std::string warning = cell(at(constraint, "warning_when"));
            if (!section.empty()) text += "; " + section;
            if (!only.empty()) text += "; only with " + code(only);
            if (!warning.empty()) text += "; a warning with " + code(warning);
            line(text + ".");
        }
    }

    void write_notes() {
        if (at(profile_, "notes").empty()) return;
        heading("How the document was read");
        for (const Json& note : at(profile_, "notes"))
            line("* " + cell(note));
    }

    const Json& profile_;
    std::map<std::string, std::string> descriptions_;
    std::string text_;
};

}  // namespace

std::string profile_page(const Json& profile) {
    return Page(profile).write();
}

}  // namespace edgefw::show
