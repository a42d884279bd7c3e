// SPDX-License-Identifier: GPL-2.0-only
// Which recorded packets the words of `edgefw drops` pick.
#include <algorithm>

#include "userspace/packet/words.h"
#include "userspace/policy/reasons.h"
#include "userspace/policy/words.h"
#include "userspace/show/connection_filter.h"
#include "userspace/show/drops.h"

namespace edgefw::show {
namespace {

constexpr const char* kKeys =
    "interface, side, direction, protocol, source, destination, source_port, destination_port, local, remote, "
    "local_port, remote_port, reason, rule, nat or vlan";

Error not_a_filter(const std::string& word, const std::string& why) {
    return {ErrorKind::kUsage, "'" + word + "' picks no packets: " + why};
}

// The end that a key names. What a card receives comes from the remote one.
enum class End { kSource, kDestination };
End end_of(const std::string& name, const DropRow& row) {
    if (name == "source") return End::kSource;
    if (name == "destination") return End::kDestination;
    const bool received = row.newest.hook == EDGEFW_RECEIVED;
    return (name == "remote") == received ? End::kSource : End::kDestination;
}

bool lies_in(const AddressRange& range, const std::optional<Address>& address) {
    return address && range.contains(*address);
}

bool is_end(const std::string& name) {
    return name == "source" || name == "destination" || name == "local" || name == "remote";
}

}  // namespace

Result<DropFilter::Test> DropFilter::test_of(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
        const auto range = AddressRange::parse(word);
        if (!range) return not_a_filter(word, std::string("write an address, or KEY=VALUE with ") + kKeys);
        return Test([range = *range](const DropRow& row) {
            return lies_in(range, row.headers.source) || lies_in(range, row.headers.destination);
        });
    }
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (value.empty()) return not_a_filter(word, "there is nothing behind the =");
    if (is_end(key)) {
        std::string why;
        const auto range = AddressRange::parse(value, &why);
        if (!range) return not_a_filter(word, why);
        return Test([range = *range, key](const DropRow& row) {
            return lies_in(range, end_of(key, row) == End::kSource ? row.headers.source : row.headers.destination);
        });
    }
    if (key.ends_with("_port") && is_end(key.substr(0, key.size() - 5))) {
        const auto port = packet::number_from(value, 65535);
        if (!port) return not_a_filter(word, "a port is a number from 0 to 65535");
        return Test([port = *port, end = key.substr(0, key.size() - 5)](const DropRow& row) {
            const auto& found =
                end_of(end, row) == End::kSource ? row.headers.source_port : row.headers.destination_port;
            return found && *found == port;
        });
    }
    if (key == "vlan") {
        const auto vlan = packet::number_from(value, 4095);
        if (!vlan) return not_a_filter(word, "a VLAN is a number from 0 to 4095");
        return Test([vlan = *vlan](const DropRow& row) { return row.headers.vlan && *row.headers.vlan == vlan; });
    }
    if (key == "protocol") {
        const auto protocol = packet::protocol_from(value);
        if (!protocol)
            return not_a_filter(word,
                                "a protocol is tcp, udp, sctp, dccp, udp-lite, icmp, icmp6 or a number from 0 to 255");
        return Test([protocol = *protocol](const DropRow& row) { return row.headers.protocol == protocol; });
    }
    if (key == "side") {
        if (!policy::value_of(value, policy::kSides)) return not_a_filter(word, "a side is external or internal");
        return Test([value](const DropRow& row) { return value == policy::to_text(row.newest.side); });
    }
    if (key == "direction") {
        if (value != "inbound" && value != "outbound") return not_a_filter(word, "a direction is inbound or outbound");
        return Test([value](const DropRow& row) { return value == row.direction(); });
    }
    if (key == "reason") {
        if (std::find(policy::kReasonNames.begin(), policy::kReasonNames.end(), value) == policy::kReasonNames.end())
            return not_a_filter(word, "there is no such reason; `edgefw counters` lists those that count");
        return Test([value](const DropRow& row) { return value == policy::to_text(row.newest.reason); });
    }
    if (key == "interface") return Test([value](const DropRow& row) { return row.newest.interface == value; });
    if (key == "rule") return Test([value](const DropRow& row) { return is_named(row.newest.rule, value); });
    if (key == "nat") return Test([value](const DropRow& row) { return is_named(row.newest.nat, value); });
    return not_a_filter(word, "there is no key '" + key + "'; there are " + kKeys);
}

Result<DropFilter> DropFilter::parse(const std::vector<std::string>& words) {
    DropFilter filter;
    for (const std::string& word : words) {
        auto test = test_of(word);
        if (!test) return test.error();
        filter.tests_.push_back(std::move(*test));
    }
    return filter;
}

bool DropFilter::picks(const DropRow& row) const {
    return std::all_of(tests_.begin(), tests_.end(), [&](const Test& test) { return test(row); });
}

}  // namespace edgefw::show
