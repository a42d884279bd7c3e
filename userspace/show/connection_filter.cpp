// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/connection_filter.h"

#include <algorithm>

#include "userspace/language/states.h"
#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::show {
namespace {

using kernel::Connection;

// The direction of the packets that the connection's opener sends.
std::string direction_of(const Connection& connection) {
    return policy::to_text(policy::direction_of(connection.side, connection.opener));
}

Error not_a_filter(const std::string& word, const std::string& why) {
    return {ErrorKind::kUsage, "'" + word + "' picks no connections: " + why};
}

bool is_state(const std::string& text) {
    return std::find(policy::kStateNames.begin(), policy::kStateNames.end(), text) != policy::kStateNames.end();
}

}  // namespace

bool is_named(const std::string& id, const std::string& name) {
    return id == name || (id.starts_with(name) && id[name.size()] == '/');
}

Result<ConnectionFilter::Test> ConnectionFilter::test_of(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
        const auto range = AddressRange::parse(word);
        if (!range)
            return not_a_filter(word,
                                "write an address, or KEY=VALUE with side, direction, protocol, local, "
                                "remote, local_port, remote_port, state, rule or nat");
        return Test([range = *range](const Connection& connection) {
            return range.contains(connection.local) || range.contains(connection.remote) ||
                   (!connection.nat.empty() && range.contains(connection.public_address));
        });
    }
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (value.empty()) return not_a_filter(word, "there is nothing behind the =");
    if (key == "local" || key == "remote") {
        std::string why;
        const auto range = AddressRange::parse(value, &why);
        if (!range) return not_a_filter(word, why);
        return Test([range = *range, local = key == "local"](const Connection& connection) {
            return range.contains(local ? connection.local : connection.remote);
        });
    }
    if (key == "local_port" || key == "remote_port") {
        const auto port = packet::number_from(value, 65535);
        if (!port) return not_a_filter(word, "a port is a number from 0 to 65535");
        return Test([port = *port, local = key == "local_port"](const Connection& connection) {
            return (local ? connection.local_port : connection.remote_port) == port;
        });
    }
    if (key == "protocol") {
        const auto protocol = packet::protocol_from(value);
        if (!protocol)
            return not_a_filter(word,
                                "a protocol is tcp, udp, sctp, dccp, udp-lite, icmp, icmp6 or a number from 0 to 255");
        return Test([protocol = *protocol](const Connection& connection) { return connection.protocol == protocol; });
    }
    if (key == "side") {
        if (!policy::value_of(value, policy::kSides)) return not_a_filter(word, "a side is external or internal");
        return Test([value](const Connection& connection) { return value == policy::to_text(connection.side); });
    }
    if (key == "direction") {
        if (value != "inbound" && value != "outbound") return not_a_filter(word, "a direction is inbound or outbound");
        return Test([value](const Connection& connection) { return value == direction_of(connection); });
    }
    if (key == "interface")
        return Test([value](const Connection& connection) { return connection.interface == value; });
    if (key == "state" && value == "half-open")
        return Test([](const Connection& connection) { return connection.half_open; });
    if (key == "state" && value == "revoked")
        return Test([](const Connection& connection) { return connection.revoked; });
    if (key == "state") {
        if (!is_state(value))
            return not_a_filter(word, "a state is half-open, revoked or a key of `timeouts:`, as tcp-established");
        return Test([value](const Connection& connection) { return connection.state == value; });
    }
    if (key == "rule") return Test([value](const Connection& connection) { return is_named(connection.rule, value); });
    if (key == "nat") return Test([value](const Connection& connection) { return is_named(connection.nat, value); });
    return not_a_filter(word, "there is no key '" + key +
                                  "'; there are side, direction, protocol, local, remote, local_port, "
                                  "remote_port, state, rule and nat");
}

Result<ConnectionFilter> ConnectionFilter::parse(const std::vector<std::string>& words) {
    ConnectionFilter filter;
    for (const std::string& word : words) {
        auto test = test_of(word);
        if (!test) return test.error();
        filter.tests_.push_back(std::move(*test));
    }
    return filter;
}

bool ConnectionFilter::picks(const Connection& connection) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const Test& test) { return test(connection); });
}

}  // namespace edgefw::show
