// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/connections.h"

#include <algorithm>

#include "userspace/packet/notation.h"
#include "userspace/policy/words.h"
#include "userspace/show/connection_filter.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using kernel::Connection;
using nlohmann::ordered_json;

// The direction of the packets that the connection's opener sends.
std::string direction_of(const Connection& connection) {
    return policy::to_text(policy::direction_of(connection.side, connection.opener));
}

std::string local_text(const Connection& connection) {
    return packet::endpoint_text(connection.local, connection.local_port, connection.protocol);
}
std::string remote_text(const Connection& connection) {
    return packet::endpoint_text(connection.remote, connection.remote_port, connection.protocol);
}

std::string state_text(const Connection& connection) {
    if (connection.revoked) return connection.state + " (revoked)";
    return connection.half_open ? connection.state + " (half open)" : connection.state;
}

std::string time_text(std::uint32_t seconds) {
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3600) + " h";
}

}  // namespace

std::vector<std::string> unknown_names(const std::vector<std::string>& words,
                                       const std::vector<kernel::CardCounters>& cards) {
    const auto has = [&](auto document::Listing::*list, const std::string& name) {
        return std::any_of(cards.begin(), cards.end(), [&](const kernel::CardCounters& card) {
            const auto& entries = (*card.listing).*list;
            return std::any_of(entries.begin(), entries.end(),
                               [&](const auto& entry) { return is_named(entry.id, name); });
        });
    };
    const auto is_attached = [&](const std::string& name) {
        return std::any_of(cards.begin(), cards.end(),
                           [&](const kernel::CardCounters& card) { return card.card.interface == name; });
    };
    std::vector<std::string> unknown;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) continue;
        const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
        if (key == "rule" && !has(&document::Listing::rules, value))
            unknown.push_back("no rule in force is called " + value + "; `edgefw show` lists them");
        if (key == "nat" && !has(&document::Listing::nat, value))
            unknown.push_back("no NAT entry in force is called " + value + "; `edgefw show` lists them");
        if (key == "interface" && !is_attached(value))
            unknown.push_back(value + " is not attached; `edgefw status` lists the cards that are");
    }
    return unknown;
}

ordered_json connections_json(const std::vector<Connection>& connections) {
    ordered_json list = ordered_json::array();
    for (const Connection& connection : connections) {
        const bool translated = !connection.nat.empty();
        list.push_back(
            {{"interface", connection.interface},
             {"side", policy::to_text(connection.side)},
             {"direction", direction_of(connection)},
             {"protocol", policy::protocol_text(connection.protocol)},
             {"local", connection.local.to_text()},
             {"local_port", connection.local_port},
             {"remote", connection.remote.to_text()},
             {"remote_port", connection.remote_port},
             {"state", connection.state},
             {"half_open", connection.half_open},
             {"revoked", connection.revoked},
             {"rule", connection.rule.empty() ? ordered_json() : ordered_json(connection.rule)},
             {"nat", translated ? ordered_json(connection.nat) : ordered_json()},
             {"public", translated ? ordered_json(connection.public_address.to_text()) : ordered_json()},
             {"public_port", translated ? ordered_json(connection.public_port) : ordered_json()},
             {"age", connection.age},
             {"idle", connection.idle},
             {"bytes", {{"received", connection.bytes[EDGEFW_RECEIVED]}, {"sent", connection.bytes[EDGEFW_SENT]}}}});
    }
    return {{"connections", std::move(list)}};
}

std::string connections_text(std::vector<Connection> connections, std::size_t width) {
    std::stable_sort(connections.begin(), connections.end(),
                     [](const Connection& a, const Connection& b) { return a.age > b.age; });
    Table table({{"interface"},
                 {"direction"},
                 {"protocol"},
                 {"local"},
                 {"remote"},
                 {"state"},
                 {"rule"},
                 {"nat"},
                 {"age", Align::kRight},
                 {"idle", Align::kRight},
                 {"received", Align::kRight},
                 {"sent", Align::kRight}});
    for (const Connection& connection : connections) {
        table.add({connection.interface, direction_of(connection), policy::protocol_text(connection.protocol),
                   local_text(connection), remote_text(connection), state_text(connection),
                   connection.rule.empty() ? "-" : connection.rule, connection.nat.empty() ? "-" : connection.nat,
                   time_text(connection.age), time_text(connection.idle),
                   std::to_string(connection.bytes[EDGEFW_RECEIVED]), std::to_string(connection.bytes[EDGEFW_SENT])});
    }
    const std::string number = std::to_string(connections.size());
    return (table.empty() ? "" : table.to_text(width) + "\n") + number +
           (connections.size() == 1 ? " connection\n" : " connections\n");
}

}  // namespace edgefw::show
