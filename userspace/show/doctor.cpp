// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/doctor.h"

#include <algorithm>

namespace edgefw::show {
namespace {

using kernel::Presence;
using nlohmann::ordered_json;

constexpr std::size_t kSeverity = 6;        // "FAIL" and a gap
constexpr std::size_t kNarrowestText = 30;  // below it a line is left to the terminal

// `text` in lines of `width`; the first goes on where the caller's line is.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
    std::string result;
    std::size_t begin = 0;
    while (text.size() - begin > width) {
        std::size_t end = text.rfind(' ', begin + width);
        if (end == std::string::npos || end <= begin) end = text.find(' ', begin);
        if (end == std::string::npos) break;
        result += text.substr(begin, end - begin) + "\n" + std::string(indent, ' ');
        begin = end + 1;
    }
    return result + text.substr(begin);
}

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width - std::min(width, text.size()), ' ');
}

bool is_folded(const Finding& finding) {
    return finding.is_feature && (finding.severity == Severity::kOk || finding.is_unread);
}

// The one line that stands for all features without a line of their own.
Finding folded(const std::vector<Finding>& findings) {
    const auto count = [&](const auto& which) {
        return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), which));
    };
    const std::size_t all = count([](const Finding& finding) { return finding.is_feature; });
    const std::size_t unread = count([](const Finding& finding) { return finding.is_feature && finding.is_unread; });
    const std::size_t present =
        count([](const Finding& finding) { return finding.is_feature && finding.severity == Severity::kOk; });
    const std::string of = std::to_string(present) + " of " + std::to_string(all);
    if (unread > 0) {
        return {"kernel.features", Severity::kNote,
                of + " that edgefw asks for; run as root to see the other " + std::to_string(unread)};
    }
    return {"kernel.features", Severity::kOk,
            present == all ? "all " + std::to_string(all) + " that edgefw asks for" : of + " that edgefw asks for"};
}

std::vector<Finding> lines_of(const std::vector<Finding>& findings) {
    std::vector<Finding> lines;
    bool has_features = false;
    for (const Finding& finding : findings) {
        if (finding.is_feature && !has_features) {
            lines.push_back(folded(findings));
            has_features = true;
        }
        if (!is_folded(finding)) lines.push_back(finding);
    }
    return lines;
}

// Null: not told.
ordered_json to_json(Presence presence) {
    return presence == Presence::kUnknown ? ordered_json() : ordered_json(presence == Presence::kPresent);
}

ordered_json or_null(const std::string& text) {
    return text.empty() ? ordered_json() : ordered_json(text);
}

const char* to_text(kernel::LinkLayer link_layer) {
    switch (link_layer) {
        case kernel::LinkLayer::kEthernet:
            return "ethernet";
        case kernel::LinkLayer::kNone:
            return "none";
        case kernel::LinkLayer::kOther:
            break;
    }
    return "other";
}

ordered_json to_json(const kernel::CardFacts& card) {
    ordered_json programs = ordered_json::array();
    for (const kernel::HookedProgram& program : card.programs) {
        programs.push_back({{"hook", program.hook},
                            {"id", program.id},
                            {"name", or_null(program.name)},
                            {"edgefw", to_json(program.ours)}});
    }
    return {{"interface", card.name},
            {"ifindex", card.index},
            {"kind", or_null(card.kind)},
            {"driver", or_null(card.driver)},
            {"link_layer", to_text(card.link_layer)},
            {"up", card.is_up},
            {"mtu", card.mtu},
            {"receive_queues", card.receive_queues == 0 ? ordered_json() : ordered_json(card.receive_queues)},
            {"native", to_json(card.native)},
            {"fragments", to_json(card.fragments)},
            {"master", or_null(card.master)},
            {"below", or_null(card.below)},
            {"lro", card.merges},
            {"rx_gro_hw", card.merges_in_hardware},
            {"rx_vlan_offload", card.takes_vlan_tags_off},
            {"partial_checksums", card.hands_up_partial_checksums},
            {"forwarding", card.forwards_ipv4 < 0 ? ordered_json() : ordered_json(card.forwards_ipv4 != 0)},
            {"rp_filter", card.reverse_path < 0 ? ordered_json() : ordered_json(card.reverse_path)},
            {"attached", to_json(card.attached)},
            {"programs", std::move(programs)}};
}

}  // namespace

std::string doctor_text(const std::vector<Finding>& findings, std::size_t width) {
    const std::vector<Finding> lines = lines_of(findings);
    std::size_t id_width = 0;
    for (const Finding& line : lines)
        id_width = std::max(id_width, line.id.size());
    const std::size_t indent = kSeverity + id_width + 2;
    const std::size_t room = width > indent + kNarrowestText ? width - indent : SIZE_MAX;
    std::string text;
    for (const Finding& line : lines) {
        text += padded(to_text(line.severity), kSeverity) + padded(line.id, id_width + 2) +
                wrapped(line.text, room, indent) + "\n";
        if (!line.remedy.empty()) text += std::string(indent, ' ') + "do: " + line.remedy + "\n";
    }
    return text;
}

ordered_json doctor_json(const std::vector<Finding>& findings, const Facts& facts) {
    ordered_json list = ordered_json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"id", finding.id},
                        {"severity", finding.severity == Severity::kFail ? "fail" : to_text(finding.severity)},
                        {"text", finding.text},
                        {"do", or_null(finding.remedy)},
                        {"read", !finding.is_unread}});
    }
    ordered_json cards = ordered_json::array();
    for (const kernel::CardFacts& card : facts.cards) {
        if (facts.card.empty() || card.name == facts.card) cards.push_back(to_json(card));
    }
    return {{"findings", std::move(list)}, {"cards", std::move(cards)}};
}

Result<Ok> doctor_result(const std::vector<Finding>& findings) {
    const auto fails = std::count_if(findings.begin(), findings.end(),
                                     [](const Finding& finding) { return finding.severity == Severity::kFail; });
    if (fails > 0) {
        return failed(std::to_string(fails) + (fails == 1 ? " thing stands" : " things stand") +
                      " in the way of attach; the lines that begin with FAIL say what to do");
    }
    if (std::any_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.is_unread; })) {
        return Error{ErrorKind::kNotPermitted,
                     "nothing stands in the way, of what this caller may read; run as root to see the rest"};
    }
    return Ok{};
}

}  // namespace edgefw::show
