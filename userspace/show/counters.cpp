// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/counters.h"

#include "userspace/policy/policy.h"
#include "userspace/policy/reasons.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using kernel::CardCounters;
using nlohmann::ordered_json;

edgefw_counter builtin_counter(const CardCounters& card, std::size_t builtin) {
    return card.at(EDGEFW_SLOT_FIRST_BUILTIN + static_cast<std::uint32_t>(builtin));
}

void add(edgefw_reason_counter& sum, const edgefw_reason_counter& more) {
    sum.packets += more.packets;
    sum.bytes += more.bytes;
}

edgefw_reason_counter sum_of(const CardCounters& card, std::size_t reason) {
    edgefw_reason_counter sum{};
    for (const auto& hook : card.reasons) {
        for (const auto& verdict : hook)
            add(sum, verdict[reason]);
    }
    return sum;
}

edgefw_reason_counter total_of(const CardCounters& card) {
    edgefw_reason_counter total{};
    for (std::size_t reason = 0; reason < policy::kReasons.size(); ++reason)
        add(total, sum_of(card, reason));
    return total;
}

const char* direction_text(const CardCounters& card, int hook) {
    return policy::to_text(policy::direction_of(card.card.side, static_cast<edgefw_hook>(hook)));
}

const char* verdict_text(int verdict) {
    return verdict == EDGEFW_PASS ? "pass" : "drop";
}

// One line of the reasons by direction and verdict.
struct ReasonLine {
    const char* direction;
    const char* verdict;
    const char* reason;
    edgefw_reason_counter counter;
};

std::vector<ReasonLine> seen_reasons(const CardCounters& card) {
    std::vector<ReasonLine> lines;
    for (int hook = 0; hook < EDGEFW_HOOKS; ++hook) {
        for (const int verdict : {EDGEFW_PASS, EDGEFW_DROP}) {
            for (std::size_t reason = 0; reason < policy::kReasons.size(); ++reason) {
                const edgefw_reason_counter& counter = card.reasons[hook][verdict][reason];
                if (counter.packets == 0) continue;
                lines.push_back(
                    {direction_text(card, hook), verdict_text(verdict), policy::kReasons[reason].name, counter});
            }
        }
    }
    return lines;
}

ordered_json counter_json(const std::string& id, const edgefw_counter& counter) {
    return {{"id", id}, {"packets", counter.packets}, {"bytes", counter.bytes}, {"connections", counter.connections}};
}

ordered_json reasons_json(const CardCounters& card) {
    ordered_json reasons = ordered_json::array();
    for (std::size_t reason = 0; reason < policy::kReasons.size(); ++reason) {
        const edgefw_reason_counter sum = sum_of(card, reason);
        reasons.push_back({{"reason", policy::kReasons[reason].name}, {"packets", sum.packets}, {"bytes", sum.bytes}});
    }
    return reasons;
}

ordered_json directions_json(const CardCounters& card) {
    ordered_json directions = ordered_json::array();
    for (const ReasonLine& line : seen_reasons(card)) {
        directions.push_back({{"direction", line.direction},
                              {"verdict", line.verdict},
                              {"reason", line.reason},
                              {"packets", line.counter.packets},
                              {"bytes", line.counter.bytes}});
    }
    return directions;
}

ordered_json card_json(const CardCounters& card) {
    ordered_json rules = ordered_json::array();
    for (const document::RuleEntry& rule : card.listing->rules) {
        rules.push_back(counter_json(rule.id, card.at(rule.slot)));
    }
    for (std::size_t i = 0; i < policy::kBuiltinIds.size(); ++i) {
        rules.push_back(counter_json(policy::kBuiltinIds[i], builtin_counter(card, i)));
    }
    ordered_json nat = ordered_json::array();
    for (const document::NatEntry& entry : card.listing->nat) {
        if (!entry.is_on(card.card.side)) continue;
        nat.push_back(counter_json(entry.id, card.at(entry.slot)));
    }
    const edgefw_reason_counter total = total_of(card);
    return {{"interface", card.card.interface},
            {"side", policy::to_text(card.card.side)},
            {"generation", card.card.generation},
            {"rules", std::move(rules)},
            {"nat", std::move(nat)},
            {"reasons", reasons_json(card)},
            {"directions", directions_json(card)},
            {"total", {{"packets", total.packets}, {"bytes", total.bytes}}}};
}

Table counter_table(const char* what) {
    return Table({{what}, {"packets", Align::kRight}, {"bytes", Align::kRight}, {"connections", Align::kRight}});
}

void add_row(Table& table, const std::string& id, const edgefw_counter& counter) {
    table.add(
        {id, std::to_string(counter.packets), std::to_string(counter.bytes), std::to_string(counter.connections)});
}

std::string reasons_text(const CardCounters& card, std::size_t width) {
    Table table({{"reason"}, {"direction"}, {"verdict"}, {"packets", Align::kRight}, {"bytes", Align::kRight}});
    for (const ReasonLine& line : seen_reasons(card)) {
        table.add({line.reason, line.direction, line.verdict, std::to_string(line.counter.packets),
                   std::to_string(line.counter.bytes)});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

std::string card_text(const CardCounters& card, std::size_t width) {
    const std::string side = policy::to_text(card.card.side);
    Table rules = counter_table("rule");
    for (const document::RuleEntry& rule : card.listing->rules) {
        if (rule.side == card.card.side) add_row(rules, rule.id, card.at(rule.slot));
    }
    for (std::size_t i = 0; i < policy::kBuiltinIds.size(); ++i) {
        const edgefw_counter counter = builtin_counter(card, i);
        if (counter.packets > 0) add_row(rules, policy::kBuiltinIds[i], counter);
    }
    Table nat = counter_table("nat");
    for (const document::NatEntry& entry : card.listing->nat) {
        if (entry.is_on(card.card.side)) add_row(nat, entry.id, card.at(entry.slot));
    }

    const edgefw_reason_counter total = total_of(card);
    std::string text = card.card.interface + " (" + side + ", " +
                       (card.card.generation == 0 ? "no policy: everything passes"
                                                  : "generation " + std::to_string(card.card.generation)) +
                       ")\n";
    if (!rules.empty()) text += "\n" + rules.to_text(width);
    if (!nat.empty()) text += "\n" + nat.to_text(width);
    return text + reasons_text(card, width) + "\ntotal: " + std::to_string(total.packets) + " packets, " +
           std::to_string(total.bytes) + " bytes\n";
}

}  // namespace

ordered_json counters_json(const std::vector<CardCounters>& cards) {
    ordered_json interfaces = ordered_json::array();
    for (const CardCounters& card : cards) {
        interfaces.push_back(card_json(card));
    }
    return ordered_json{{"interfaces", std::move(interfaces)}};
}

std::string counters_text(const std::vector<CardCounters>& cards, std::size_t width) {
    std::string text;
    for (const CardCounters& card : cards) {
        if (!text.empty()) text += '\n';
        text += card_text(card, width);
    }
    return text;
}

}  // namespace edgefw::show
