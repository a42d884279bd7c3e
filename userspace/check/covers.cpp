// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/covers.h"

#include <algorithm>

namespace edgefw::policy {
namespace {

template <typename Range>
bool within_one_of(const std::vector<Range>& ranges, const auto& contains) {
    return std::any_of(ranges.begin(), ranges.end(), contains);
}

bool covers(const AddressMatch& earlier, const AddressMatch& later) {
    if (earlier.any()) return true;
    if (later.any()) return false;
    const auto range_covered = [&](const AddressRange& wanted) {
        return within_one_of(earlier.ranges, [&](const AddressRange& range) { return range.contains(wanted); });
    };
    return std::includes(earlier.sets.begin(), earlier.sets.end(), later.sets.begin(), later.sets.end()) &&
           std::includes(earlier.hosts.begin(), earlier.hosts.end(), later.hosts.begin(), later.hosts.end()) &&
           std::all_of(later.ranges.begin(), later.ranges.end(), range_covered);
}

bool covers(const std::vector<PortRange>& earlier, const std::vector<PortRange>& later) {
    if (earlier.empty()) return true;
    if (later.empty()) return false;
    const auto range_covered = [&](const PortRange& wanted) {
        return within_one_of(
            earlier, [&](const PortRange& range) { return range.first <= wanted.first && wanted.last <= range.last; });
    };
    return std::all_of(later.begin(), later.end(), range_covered);
}

bool covers(const std::optional<TcpFlags>& earlier, const std::optional<TcpFlags>& later) {
    if (!earlier) return true;
    return later && (earlier->mask & later->mask) == earlier->mask && (later->value & earlier->mask) == earlier->value;
}

bool covers(const std::vector<IcmpMatch>& earlier, const std::vector<IcmpMatch>& later) {
    if (earlier.empty()) return true;
    if (later.empty()) return false;
    const auto match_covered = [&](const IcmpMatch& wanted) {
        return within_one_of(earlier, [&](const IcmpMatch& match) {
            return match.type == wanted.type && (!match.code || match.code == wanted.code);
        });
    };
    return std::all_of(later.begin(), later.end(), match_covered);
}

// A rule of IP packets has an empty list.
bool covers(const std::vector<EthertypeRange>& earlier, const std::vector<EthertypeRange>& later) {
    if (earlier.empty() || later.empty()) return earlier.empty() && later.empty();
    const auto range_covered = [&](const EthertypeRange& wanted) {
        return within_one_of(earlier, [&](const EthertypeRange& range) { return range == wanted; });
    };
    return std::all_of(later.begin(), later.end(), range_covered);
}

template <typename T>
bool covers(const std::optional<T>& earlier, const std::optional<T>& later) {
    return !earlier || earlier == later;
}

// A pass rule that keeps state matches openers alone, any other rule every packet: the former cannot hide the latter.
bool keeps_state(const Rule& rule) {
    return rule.action == Action::kPass && rule.state == State::kKeep;
}

}  // namespace

bool covers(const Rule& earlier, const Rule& later) {
    return earlier.side == later.side &&
           (earlier.direction == Direction::kBoth || earlier.direction == later.direction) &&
           (!keeps_state(earlier) || keeps_state(later)) && (!earlier.established || later.established) &&
           covers(earlier.ethertypes, later.ethertypes) && covers(earlier.protocol, later.protocol) &&
           covers(earlier.vlan, later.vlan) && covers(earlier.local_port, later.local_port) &&
           covers(earlier.remote_port, later.remote_port) && covers(earlier.local, later.local) &&
           covers(earlier.remote, later.remote) && covers(earlier.tcp_flags, later.tcp_flags) &&
           covers(earlier.icmp, later.icmp);
}

}  // namespace edgefw::policy
