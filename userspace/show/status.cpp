// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/status.h"

#include "userspace/language/states.h"
#include "userspace/show/hooks.h"
#include "userspace/show/shadow.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

const char* mode_text(kernel::ReceivedMode mode) {
    switch (mode) {
        case kernel::ReceivedMode::kNative:
            return "native";
        case kernel::ReceivedMode::kGeneric:
            return "generic";
        case kernel::ReceivedMode::kTc:
            return "tc";
        case kernel::ReceivedMode::kAuto:
            break;
    }
    return "auto";
}

const char* egress_text(kernel::Egress egress) {
    switch (egress) {
        case kernel::Egress::kTcx:
            return "tcx";
        case kernel::Egress::kClsact:
            return "clsact";
        case kernel::Egress::kAuto:
            break;
    }
    return "auto";
}

constexpr std::pair<const char*, std::uint64_t kernel::Turnover::*> kTurnover[] = {
    {"inserted", &kernel::Turnover::inserted},
    {"removed", &kernel::Turnover::removed},
    {"recycled", &kernel::Turnover::recycled},
    {"refused", &kernel::Turnover::refused},
};

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

// Enough of a digest for the eye; --json has all of it.
std::string short_digest(const std::string& digest) {
    return or_dash(digest.substr(0, 12));
}

std::string maps_text(const kernel::Status& status, std::size_t width) {
    Table table({{"interface"},
                 {"map"},
                 {"entries", Align::kRight},
                 {"capacity", Align::kRight},
                 {"inserted", Align::kRight},
                 {"removed", Align::kRight},
                 {"recycled", Align::kRight},
                 {"refused", Align::kRight}});
    for (const kernel::CardStatus& card : status.cards) {
        for (const kernel::Occupancy& map : card.maps) {
            std::vector<std::string> row = {card.card.interface, map.map, std::to_string(map.entries),
                                            std::to_string(map.capacity)};
            for (const auto& [name, member] : kTurnover)
                row.push_back(map.turnover ? std::to_string((*map.turnover).*member) : "-");
            table.add(std::move(row));
        }
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

std::string adoption_text(const kernel::Status& status) {
    std::string text;
    for (const kernel::CardStatus& card : status.cards) {
        if (card.card.adopts == 0) continue;
        text += card.card.interface + " adopts TCP connections in mid-stream for another " +
                std::to_string(card.card.adopts) + " s\n";
    }
    return text;
}

ordered_json forerunners_json(const kernel::Card& card) {
    ordered_json json = ordered_json::array();
    for (const kernel::Forerunner& program : card.forerunners)
        json.push_back({{"hook", program.hook}, {"program", program.id}, {"name", program.name}});
    return json;
}

std::string forerunners_text(const kernel::Status& status) {
    std::string text;
    for (const kernel::CardStatus& card : status.cards) {
        for (const std::string& line : forerunner_lines(card.card))
            text += "NOT FIRST: " + line + "\n";
    }
    return text;
}

// Cards that are whole are left out: they are what is attached.
ordered_json hooked_json(const kernel::Status& status) {
    ordered_json json = ordered_json::array();
    for (const kernel::HookedCard& card : status.hooked) {
        if (card.is_filtering()) continue;
        json.push_back({{"interface", card.interface},
                        {"ifindex", card.ifindex},
                        {"side", policy::to_text(card.side)},
                        {"holds", {{"received", card.holds[EDGEFW_RECEIVED]}, {"sent", card.holds[EDGEFW_SENT]}}},
                        {"pinned", card.is_pinned},
                        {"unfinished", card.is_unfinished}});
    }
    return json;
}

std::string loss_text(const kernel::Status& status) {
    std::string text;
    for (const std::string& line : loss_lines(status.hooked))
        text += line + "\n";
    return text;
}

std::string wrong_sides_text(const kernel::Status& status) {
    std::string text;
    for (const kernel::CardStatus& card : status.cards) {
        if (const std::string line = wrong_side_line(card.card); !line.empty()) text += "NO RULE: " + line + "\n";
    }
    return text;
}

ordered_json closed_json(const kernel::ClosedCard& card) {
    const auto counts = [&](edgefw_hook hook) {
        if (!card.counts[hook]) return ordered_json();
        return ordered_json{{"passed", card.counts[hook]->passed}, {"dropped", card.counts[hook]->dropped}};
    };
    return {{"interface", card.interface},
            {"ifindex", card.ifindex},
            {"received", counts(EDGEFW_RECEIVED)},
            {"sent", counts(EDGEFW_SENT)}};
}

// Cards under one policy have the same.
std::string timeouts_text(const kernel::Status& status, std::size_t width) {
    std::vector<Column> columns = {{"seconds quiet until forgotten"}};
    for (const kernel::CardStatus& card : status.cards)
        columns.push_back({card.card.interface, Align::kRight});
    Table table(columns);
    for (std::size_t state = 0; state < EDGEFW_STATE_COUNT; ++state) {
        if (state > 0 && policy::kStateNames[state] == policy::kStateNames[state - 1]) continue;
        std::vector<std::string> row = {std::string(policy::kStateNames[state])};
        for (const kernel::CardStatus& card : status.cards)
            row.push_back(state < card.timeouts.size() ? std::to_string(card.timeouts[state]) : "-");
        table.add(std::move(row));
    }
    return "\n" + table.to_text(width);
}

// Calls `visit` with the name of each hook and family for which the policy of the card has trees, and these.
template <typename Visit>
void for_each_forest(const kernel::CardStatus& card, const Visit& visit) {
    constexpr const char* kFamilies[EDGEFW_FAMILIES] = {"ipv4", "ipv6"};
    const auto& forests = card.shape.forests[static_cast<std::size_t>(card.card.side)];
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        for (std::size_t family = 0; family < EDGEFW_FAMILIES; ++family) {
            const image::ForestShape& forest = forests[hook][family];
            if (forest.groups > 0) visit(to_text(hook), kFamilies[family], forest);
        }
    }
}

std::string trees_text(const kernel::Status& status, std::size_t width) {
    Table table({{"interface"},
                 {"rules searched"},
                 {"trees", Align::kRight},
                 {"levels", Align::kRight},
                 {"worst path: levels", Align::kRight},
                 {"tests", Align::kRight},
                 {"ns", Align::kRight}});
    for (const kernel::CardStatus& card : status.cards) {
        for_each_forest(card, [&](const char* hook, const char* family, const image::ForestShape& forest) {
            table.add({card.card.interface, std::string(hook) + ", " + family, std::to_string(forest.groups),
                       std::to_string(forest.depth), std::to_string(forest.levels), std::to_string(forest.steps),
                       std::to_string(forest.nanoseconds)});
        });
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

ordered_json trees_json(const kernel::CardStatus& card) {
    ordered_json json = ordered_json::array();
    for_each_forest(card, [&](const char* hook, const char* family, const image::ForestShape& forest) {
        json.push_back({{"hook", hook},
                        {"family", family},
                        {"trees", forest.groups},
                        {"levels", forest.depth},
                        {"worst", {{"levels", forest.levels}, {"tests", forest.steps}, {"ns", forest.nanoseconds}}}});
    });
    return json;
}

ordered_json waiting_json(const kernel::Status& status) {
    if (!status.standing.waiting) return nullptr;
    return {{"seconds_left", status.standing.waiting->seconds_left}, {"fallback", status.standing.waiting->fallback}};
}

std::string waiting_text(const kernel::Status& status) {
    if (status.standing.waiting) {
        return "WAITS: generation " + std::to_string(status.standing.waiting->generation) + " falls back in " +
               std::to_string(status.standing.waiting->seconds_left) + " s, unless: edgefw confirm\n";
    }
    if (status.standing.fell_back)
        return "FELL BACK: the last push was not confirmed; generation " + std::to_string(status.generation) +
               " has the policy before it\n";
    return "";
}

std::string shadows_text(const kernel::Status& status) {
    std::string text;
    for (const kernel::CardStatus& card : status.cards) {
        if (card.shadow) text += "SHADOW: " + card.card.interface + ": " + shadow_line(*card.shadow) + "\n";
    }
    return text;
}

ordered_json timeouts_json(const kernel::CardStatus& card) {
    ordered_json json = ordered_json::object();
    for (std::size_t state = 0; state < card.timeouts.size(); ++state)
        json[std::string(policy::kStateNames[state])] = card.timeouts[state];
    return json;
}

}  // namespace

ordered_json card_json(const kernel::Card& card) {
    return {{"interface", card.interface},
            {"ifindex", card.ifindex},
            {"side", policy::to_text(card.side)},
            {"mode", mode_text(card.mode)},
            {"egress", egress_text(card.egress)},
            {"generation", card.generation},
            {"adopts", card.adopts},
            {"digest", card.digest.empty() ? ordered_json() : ordered_json(card.digest)},
            {"programs", {{"received", card.received_program}, {"sent", card.sent_program}}},
            {"forerunners", forerunners_json(card)},
            {"without_rules", card.without_rules}};
}

std::string wrong_side_line(const kernel::Card& card) {
    if (!card.without_rules) return "";
    const policy::Side other = card.side == policy::Side::kExternal ? policy::Side::kInternal : policy::Side::kExternal;
    return card.interface + ": no rule of the policy is for " + policy::to_text(card.side) +
           " cards, so the default decides alone; add rules with `side: " + policy::to_text(card.side) +
           "`, or, if the card faces the other way: edgefw detach " + card.interface + " && edgefw attach " +
           card.interface + " --side " + policy::to_text(other) + " --policy FILE";
}

std::vector<std::string> card_warnings(const kernel::Card& card) {
    std::vector<std::string> lines;
    if (!card.warning.empty()) lines.push_back(card.warning);
    if (const std::string line = wrong_side_line(card); !line.empty()) lines.push_back(line);
    return lines;
}

std::string card_text(const kernel::Card& card) {
    return card.interface + " (" + policy::to_text(card.side) + ", " + mode_text(card.mode) + ", " +
           egress_text(card.egress) + ")";
}

ordered_json status_json(const kernel::Status& status) {
    ordered_json interfaces = ordered_json::array();
    for (const kernel::CardStatus& card : status.cards) {
        ordered_json maps = ordered_json::array();
        for (const kernel::Occupancy& map : card.maps) {
            maps.push_back({{"map", map.map}, {"entries", map.entries}, {"capacity", map.capacity}});
            if (!map.turnover) continue;
            for (const auto& [name, member] : kTurnover)
                maps.back()[name] = (*map.turnover).*member;
        }
        interfaces.push_back(card_json(card.card));
        interfaces.back()["maps"] = std::move(maps);
        interfaces.back()["timeouts"] = timeouts_json(card);
        interfaces.back()["searches"] = trees_json(card);
        interfaces.back()["shadow"] = card.shadow ? shadow_json(*card.shadow) : ordered_json();
    }
    ordered_json closed = ordered_json::array();
    for (const kernel::ClosedCard& card : status.closed)
        closed.push_back(closed_json(card));
    return {{"generation", status.generation},        {"waits", waiting_json(status)},
            {"fell_back", status.standing.fell_back}, {"interfaces", std::move(interfaces)},
            {"not_filtering", hooked_json(status)},   {"closed", std::move(closed)}};
}

std::string closed_text(const std::vector<kernel::ClosedCard>& closed) {
    std::string text;
    for (const kernel::ClosedCard& card : closed) {
        const auto counts = [&](edgefw_hook hook) -> std::string {
            if (!card.counts[hook]) return "not to be read without CAP_SYS_ADMIN";
            return std::to_string(card.counts[hook]->passed) + " passed, " +
                   std::to_string(card.counts[hook]->dropped) + " dropped";
        };
        text += card.interface + " is CLOSED until its policy is in force (`journalctl -u edgefw@" + card.interface +
                "` says why it is not): received " + counts(EDGEFW_RECEIVED) + "; sent " + counts(EDGEFW_SENT) + "\n";
    }
    return text;
}

std::string status_text(const kernel::Status& status, std::size_t width) {
    const std::string alarms = closed_text(status.closed) + loss_text(status);
    if (status.cards.empty()) return alarms + "nothing is attached\n";
    Table table(
        {{"interface"}, {"side"}, {"mode"}, {"egress"}, {"programs"}, {"generation", Align::kRight}, {"digest"}});
    for (const kernel::CardStatus& status_of_card : status.cards) {
        const kernel::Card& card = status_of_card.card;
        table.add({card.interface, policy::to_text(card.side), mode_text(card.mode), egress_text(card.egress),
                   std::to_string(card.received_program) + ", " + std::to_string(card.sent_program),
                   card.generation == 0 ? "no policy" : std::to_string(card.generation), short_digest(card.digest)});
    }
    return alarms + waiting_text(status) + shadows_text(status) + forerunners_text(status) + wrong_sides_text(status) +
           table.to_text(width) + adoption_text(status) + maps_text(status, width) + trees_text(status, width) +
           timeouts_text(status, width);
}

}  // namespace edgefw::show
