// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/drops.h"

#include <algorithm>
#include <ctime>
#include <tuple>

#include "userspace/packet/notation.h"
#include "userspace/packet/pcapng.h"
#include "userspace/policy/reasons.h"
#include "userspace/policy/words.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

// RFC 3339, UTC, with milliseconds.
std::string time_text(std::uint64_t milliseconds) {
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char date[32], text[48];
    std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text, sizeof(text), "%s.%03uZ", date, static_cast<unsigned>(milliseconds % 1000));
    return text;
}

std::string clock_text(std::uint64_t milliseconds) {
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[16];
    std::strftime(text, sizeof(text), "%H:%M:%S", &parts);
    return text;
}

std::string protocol_of(const DropRow& row) {
    if (row.headers.protocol) return policy::protocol_text(*row.headers.protocol);
    if (row.headers.ethertype == 0) return "?";
    char text[16];
    std::snprintf(text, sizeof(text), "0x%04x", static_cast<unsigned>(row.headers.ethertype));
    return text;
}

std::string end_of(const DropRow& row, const std::optional<Address>& address,
                   const std::optional<std::uint16_t>& port) {
    if (!address) return "-";
    return port ? packet::endpoint_text(*address, *port, *row.headers.protocol) : address->to_text();
}
std::string source_of(const DropRow& row) {
    return end_of(row, row.headers.source, row.headers.source_port);
}
std::string destination_of(const DropRow& row) {
    return end_of(row, row.headers.destination, row.headers.destination_port);
}

// A slot of a generation that is no longer in force may be another rule's today.
std::string rule_of(const DropRow& row) {
    const kernel::Drop& drop = row.newest;
    if (!drop.rule.empty()) return row.where.empty() ? drop.rule : drop.rule + " (" + row.where + ")";
    return drop.slot == 0 ? "-" : "one of generation " + std::to_string(drop.generation);
}

std::string now_text(const DropRow& row) {
    if (row.newest.is_shadow)
        return row.newest.verdict == policy::Action::kPass ? "dropped, the shadow passes it"
                                                           : "passed, the shadow drops it";
    if (row.newest.verdict == policy::Action::kPass) return "passed, logged";
    if (!row.now.passes) return "-";
    return row.now.rule.empty() ? "now passes: " + row.now.reason : "now passes: rule " + row.now.rule;
}

template <typename Value>
ordered_json or_null(const std::optional<Value>& value) {
    return value ? ordered_json(*value) : ordered_json();
}
ordered_json address_or_null(const std::optional<Address>& address) {
    return address ? ordered_json(address->to_text()) : ordered_json();
}
ordered_json text_or_null(const std::string& text) {
    return text.empty() ? ordered_json() : ordered_json(text);
}

const char* direction_at(policy::Side side, unsigned hook) {
    return policy::to_text(policy::direction_of(side, static_cast<edgefw_hook>(hook)));
}

// Of each card, direction and reason for which something dropped.
void each_reason(const std::vector<kernel::CardDrops>& cards,
                 const std::function<void(const kernel::CardDrops&, unsigned hook, unsigned reason)>& visit) {
    for (const kernel::CardDrops& card : cards) {
        for (unsigned hook = 0; hook < EDGEFW_HOOKS; ++hook) {
            for (unsigned reason = 0; reason < EDGEFW_REASON_COUNT; ++reason) {
                if (card.dropped[hook][reason] != 0) visit(card, hook, reason);
            }
        }
    }
}

std::uint64_t skipped(const kernel::CardDrops& card, unsigned hook, unsigned reason) {
    const std::uint64_t dropped = card.dropped[hook][reason], recorded = card.recorded[hook][reason];
    return dropped > recorded ? dropped - recorded : 0;
}

}  // namespace

std::string DropRow::direction() const {
    return direction_at(newest.side, newest.hook);
}

std::map<std::string, std::string> places_of(const std::string& document) {
    std::map<std::string, std::string> places;
    const auto json = nlohmann::json::parse(document, nullptr, false);
    if (!json.is_object() || !json.contains("rules")) return places;
    for (const auto& rule : json["rules"]) {
        if (rule.contains("id") && rule.contains("where"))
            places[rule["id"].get<std::string>()] = rule["where"].get<std::string>();
    }
    return places;
}

DropRow row_of(kernel::Drop drop) {
    DropRow row;
    row.headers = packet::headers_of(drop.frame, drop.has_link);
    row.first = drop.time;
    row.count = drop.count;
    row.newest = std::move(drop);
    return row;
}

std::vector<DropRow> grouped(std::vector<DropRow> rows) {
    const auto key_of = [](const DropRow& row) {
        const kernel::Drop& drop = row.newest;
        const packet::Headers& headers = row.headers;
        return std::make_tuple(drop.interface, drop.hook, drop.verdict, drop.reason, drop.generation, drop.slot,
                               headers.vlan, headers.ethertype, headers.protocol, headers.source, headers.destination,
                               headers.source_port, headers.destination_port);
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [](const DropRow& a, const DropRow& b) { return a.newest.time > b.newest.time; });
    std::map<decltype(key_of(rows.front())), std::size_t> known;
    std::vector<DropRow> groups;
    for (DropRow& row : rows) {
        const auto [found, is_new] = known.try_emplace(key_of(row), groups.size());
        if (is_new) {
            groups.push_back(std::move(row));
            continue;
        }
        groups[found->second].count += row.count;
        groups[found->second].first = std::min(groups[found->second].first, row.first);
    }
    return groups;
}

ordered_json drop_json(const DropRow& row) {
    const kernel::Drop& drop = row.newest;
    const packet::Headers& headers = row.headers;
    return {{"time", time_text(drop.time)},
            {"first", time_text(row.first)},
            {"interface", drop.interface},
            {"direction", row.direction()},
            {"shadow", drop.is_shadow},
            {"verdict", policy::to_text(drop.verdict)},
            {"reason", policy::to_text(drop.reason)},
            {"rule", text_or_null(drop.rule)},
            {"where", text_or_null(row.where)},
            {"nat", text_or_null(drop.nat)},
            {"generation", drop.generation},
            {"protocol", protocol_of(row)},
            {"source", address_or_null(headers.source)},
            {"source_port", or_null(headers.source_port)},
            {"destination", address_or_null(headers.destination)},
            {"destination_port", or_null(headers.destination_port)},
            {"length", drop.length},
            {"vlan", or_null(headers.vlan)},
            {"count", row.count},
            {"would_pass",
             row.now.passes ? text_or_null(row.now.rule.empty() ? row.now.reason : row.now.rule) : ordered_json()}};
}

ordered_json left_out_json(std::uint64_t milliseconds, std::size_t count) {
    return {{"time", time_text(milliseconds)}, {"left_out", count}};
}

ordered_json drops_json(const std::vector<DropRow>& rows, const std::vector<kernel::CardDrops>& cards) {
    ordered_json drops = ordered_json::array(), reasons = ordered_json::array();
    for (const DropRow& row : rows)
        drops.push_back(drop_json(row));
    each_reason(cards, [&](const kernel::CardDrops& card, unsigned hook, unsigned reason) {
        reasons.push_back({{"interface", card.interface},
                           {"direction", direction_at(card.side, hook)},
                           {"reason", policy::to_text(static_cast<edgefw_reason>(reason))},
                           {"dropped", card.dropped[hook][reason]},
                           {"recorded", card.dropped[hook][reason] - skipped(card, hook, reason)},
                           {"skipped", skipped(card, hook, reason)}});
    });
    return {{"drops", std::move(drops)}, {"reasons", std::move(reasons)}};
}

std::string drops_text(const std::vector<DropRow>& rows, const std::vector<kernel::CardDrops>& cards,
                       std::size_t width) {
    Table table({{"time"},
                 {"packets", Align::kRight},
                 {"interface"},
                 {"direction"},
                 {"protocol"},
                 {"source"},
                 {"destination"},
                 {"reason"},
                 {"rule"},
                 {"now"}});
    std::uint64_t packets = 0;
    for (const DropRow& row : rows) {
        packets += row.count;
        table.add({clock_text(row.newest.time), std::to_string(row.count), row.newest.interface, row.direction(),
                   protocol_of(row), source_of(row), destination_of(row), policy::to_text(row.newest.reason),
                   rule_of(row), now_text(row)});
    }
    std::string text = table.empty() ? "" : table.to_text(width) + "\n";
    text += std::to_string(packets) + (packets == 1 ? " packet in " : " packets in ") + std::to_string(rows.size()) +
            (rows.size() == 1 ? " flow\n" : " flows\n");
    each_reason(cards, [&](const kernel::CardDrops& card, unsigned hook, unsigned reason) {
        const std::uint64_t left_out = skipped(card, hook, reason);
        if (left_out == 0) return;
        text += card.interface + " " + direction_at(card.side, hook) + " " +
                policy::to_text(static_cast<edgefw_reason>(reason)) + ": " + std::to_string(left_out) + " of " +
                std::to_string(card.dropped[hook][reason]) + " packets were counted and not recorded\n";
    });
    return text;
}

std::string flow_text(const DropRow& row) {
    return protocol_of(row) + " " + source_of(row) + " > " + destination_of(row);
}

std::string drop_line(const DropRow& row) {
    const std::string now = now_text(row);
    return clock_text(row.newest.time) + " " + row.newest.interface + " " + row.direction() + " " + flow_text(row) +
           " " + policy::to_text(row.newest.reason) + " rule " + rule_of(row) + (now == "-" ? "" : ", " + now) + "\n";
}

std::string drop_comment(const DropRow& row) {
    const kernel::Drop& drop = row.newest;
    std::string text =
        std::string("edgefw: ") + policy::to_text(drop.verdict) + ", reason " + policy::to_text(drop.reason);
    if (drop.slot != 0) text += ", rule " + rule_of(row);
    if (!drop.nat.empty()) text += ", nat " + drop.nat;
    text += ", generation " + std::to_string(drop.generation);
    if (row.count > 1) text += ", " + std::to_string(row.count) + " packets within a second";
    return row.now.passes || drop.is_shadow ? text + "; " + now_text(row) : text;
}

std::string drops_pcapng(const std::vector<DropRow>& rows, const std::string& application) {
    std::vector<packet::Captured> frames;
    // A capture begins with what came first.
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
        const kernel::Drop& drop = row->newest;
        frames.push_back({drop.interface, drop.has_link, drop.time, drop.length, drop.frame,
                          drop.hook == EDGEFW_RECEIVED, drop.at_xdp, drop.verdict == policy::Action::kPass,
                          drop_comment(*row)});
    }
    return packet::pcapng_of(frames, application);
}

}  // namespace edgefw::show
