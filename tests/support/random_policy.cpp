// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/random_policy.h"

#include <netinet/in.h>

#include <algorithm>

#include "userspace/policy/words.h"

namespace edgefw::test {

using policy::Policy;
using policy::Rule;

namespace {

constexpr uint128 kIpv4Base = 0x0a000000;                         // 10.0.0.0
constexpr uint128 kIpv6Base = uint128{0x20010db800000000} << 64;  // 2001:db8::

std::vector<AddressRange> disjoint(std::vector<AddressRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<AddressRange> result;
    for (const AddressRange& range : ranges) {
        if (!result.empty() && result.back().overlaps(range)) {
            result.back().last = std::max(result.back().last, range.last);
        } else {
            result.push_back(range);
        }
    }
    return result;
}

}  // namespace

// Few low bits, and now and then a high one: neighbours, and strangers in every word.
Address RandomPolicy::address(Family family) {
    const uint128 host = below(64);
    if (family == Family::kIpv4) return {family, kIpv4Base + host + (uint128{below(3)} << 16)};
    return {family, kIpv6Base + host + (uint128{below(3)} << 80) + (uint128{below(2)} << 40)};
}

AddressRange RandomPolicy::range(Family family) {
    const Address first = address(family);
    switch (below(4)) {
        case 0:
            return AddressRange::single(first);
        case 1: {
            const Address other = address(family);
            return {std::min(first, other), std::max(first, other)};
        }
        case 2: {
            const uint128 size = uint128{1} << below(7);
            const Address start{family, first.value / size * size};
            return {start, {family, start.value + size - 1}};
        }
        default: {
            const int bits = family == Family::kIpv4 ? 16 : 64 + 16;
            const uint128 mask = (uint128{1} << (bits + below(4))) - 1;
            return {{family, first.value & ~mask}, {family, first.value | mask}};
        }
    }
}

std::vector<AddressRange> RandomPolicy::list(std::uint32_t most) {
    std::vector<AddressRange> result;
    for (std::uint32_t left = 1 + below(most); left > 0; --left)
        result.push_back(range(one_in(2) ? Family::kIpv4 : Family::kIpv6));
    return disjoint(std::move(result));
}

policy::AddressMatch RandomPolicy::addresses(const Policy& policy) {
    policy::AddressMatch match;
    if (one_in(3)) return match;
    const bool named = !policy.sets.empty() && one_in(3);
    if (named) match.sets.push_back(one_of(policy.sets).name);
    if (named && one_in(3)) match.sets.push_back(one_of(policy.sets).name);
    if (!named || one_in(4)) match.ranges = list(one_in(4) ? 24 : 3);
    return match;
}

std::vector<policy::PortRange> RandomPolicy::ports() {
    std::vector<policy::PortRange> result;
    if (one_in(3)) return result;
    std::uint32_t next = below(8);
    for (std::uint32_t left = 1 + below(3); left > 0; --left) {
        const std::uint32_t last = next + (one_in(2) ? 0 : below(4));
        result.push_back({static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(last)});
        next = last + 2 + below(4);
    }
    if (one_in(8)) result.push_back({50000, 65535});
    return result;
}

void RandomPolicy::restrict_protocol(Rule& rule) {
    static const std::vector<std::uint8_t> protocols = {IPPROTO_TCP,    IPPROTO_TCP,  IPPROTO_TCP,     IPPROTO_UDP,
                                                        IPPROTO_SCTP,   IPPROTO_DCCP, IPPROTO_UDPLITE, IPPROTO_ICMP,
                                                        IPPROTO_ICMPV6, IPPROTO_GRE};
    const std::uint8_t protocol = one_of(protocols);
    rule.protocol = protocol;
    if (policy::has_ports(protocol)) {
        rule.local_port = ports();
        rule.remote_port = ports();
    }
    if (protocol == IPPROTO_TCP && rule.state == policy::State::kNone) {
        rule.established = one_in(4);
        const auto mask = static_cast<std::uint8_t>(below(64));
        if (one_in(4)) rule.tcp_flags = {mask, static_cast<std::uint8_t>(below(64) & mask)};
    }
    if (protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6) return;
    for (std::uint32_t left = below(3); left > 0; --left) {
        policy::IcmpMatch message{static_cast<std::uint8_t>(one_in(2) ? below(12) : 127 + below(4)), {}};
        if (one_in(2)) message.code = static_cast<std::uint8_t>(below(3));
        rule.icmp.push_back(message);
    }
}

Rule RandomPolicy::rule(const Policy& policy, std::size_t number) {
    Rule rule;
    rule.id = "rule-" + std::to_string(number);
    rule.side = one_in(3) ? policy::Side::kInternal : policy::Side::kExternal;
    rule.direction = static_cast<policy::Direction>(below(3));
    rule.action = one_in(3) ? policy::Action::kDrop : policy::Action::kPass;
    if (rule.action == policy::Action::kDrop || one_in(2)) rule.state = policy::State::kNone;
    if (!one_in(5)) restrict_protocol(rule);
    if (one_in(8)) rule.vlan = static_cast<std::uint16_t>(1 + below(3));
    rule.local = addresses(policy);
    rule.remote = addresses(policy);
    return rule;
}

Policy RandomPolicy::policy(std::size_t rules) {
    Policy policy;
    policy.builtins = 0;
    for (auto& side : policy.defaults) {
        for (policy::Action& action : side)
            action = one_in(3) ? policy::Action::kPass : policy::Action::kDrop;
    }
    std::fill(std::begin(policy.timeout), std::end(policy.timeout), 60);
    for (std::uint32_t left = below(5); left > 0; --left)
        policy.sets.push_back({"set-" + std::to_string(left), list(16), {}});
    for (std::size_t number = 0; number < rules; ++number)
        policy.rules.push_back(rule(policy, number));
    return policy;
}

Address RandomPolicy::near(const AddressRange& range) {
    const uint128 highest = range.first.family == Family::kIpv4 ? uint128{0xffffffff} : ~uint128{0};
    const std::uint32_t where = below(5);
    if (where == 0 && range.first.value > 0) return {range.first.family, range.first.value - 1};
    if (where == 1 && range.last.value < highest) return {range.last.family, range.last.value + 1};
    return where % 2 == 0 ? range.first : range.last;
}

Address RandomPolicy::corner(const Policy& policy, const policy::AddressMatch& match, Family family) {
    std::vector<AddressRange> candidates = match.ranges;
    for (const policy::Set& set : policy.sets) {
        if (std::find(match.sets.begin(), match.sets.end(), set.name) == match.sets.end()) continue;
        candidates.insert(candidates.end(), set.members.begin(), set.members.end());
    }
    std::erase_if(candidates, [family](const AddressRange& range) { return range.first.family != family; });
    return candidates.empty() || one_in(6) ? address(family) : near(one_of(candidates));
}

std::uint16_t RandomPolicy::corner(const std::vector<policy::PortRange>& ports) {
    if (ports.empty() || one_in(6)) return static_cast<std::uint16_t>(below(16));
    const policy::PortRange& range = one_of(ports);
    const std::uint16_t edge = one_in(2) ? range.first : range.last;
    return static_cast<std::uint16_t>(edge + (one_in(3) ? below(3) - 1 : 0));
}

Family RandomPolicy::family_for(const Rule& rule) {
    if (rule.protocol == IPPROTO_ICMP) return Family::kIpv4;
    if (rule.protocol == IPPROTO_ICMPV6) return Family::kIpv6;
    return one_in(2) ? Family::kIpv4 : Family::kIpv6;
}

void RandomPolicy::fill_protocol(packet::Packet& packet, const Rule& rule) {
    static const std::vector<std::uint8_t> flags = {0x02, 0x02, 0xc2, 0x12, 0x10, 0x11,
                                                    0x04, 0x14, 0x18, 0x00, 0x2b, 0x03};
    const bool ipv4 = packet.source.family == Family::kIpv4;
    const std::uint8_t icmp = ipv4 ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6};
    const std::vector<std::uint8_t> protocols = {IPPROTO_TCP, IPPROTO_UDP,  IPPROTO_TCP,  IPPROTO_UDP,    icmp,
                                                 IPPROTO_GRE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE};
    packet.protocol = rule.protocol && !one_in(6) ? *rule.protocol : one_of(protocols);
    packet.tcp_flags = one_of(flags);
    if (packet.protocol != icmp) return;
    packet.icmp_type = static_cast<std::uint8_t>(one_in(2) ? below(12) : 127 + below(4));
    packet.icmp_code = static_cast<std::uint8_t>(below(3));
    if (!rule.icmp.empty() && !one_in(4)) {
        const policy::IcmpMatch& message = one_of(rule.icmp);
        packet.icmp_type = message.type;
        packet.icmp_code = static_cast<std::uint8_t>(message.code.value_or(0) + (one_in(4) ? 1 : 0));
    }
}

// One that may come from nobody, or one beside such.
Address RandomPolicy::martian(packet::Packet& packet) {
    static const std::vector<const char*> ipv4 = {"0.0.0.0",   "0.0.0.1",         "1.0.0.0",    "127.0.0.1",
                                                  "128.0.0.0", "192.0.0.15",      "192.0.0.16", "192.0.0.255",
                                                  "192.0.1.0", "223.255.255.255", "224.0.0.1",  "255.255.255.255"};
    static const std::vector<const char*> ipv6 = {
        "::",        "::1",        "::2",        "::fffe:1.2.3.4", "::ffff:1.2.3.4", "::1:0:0:0:1",
        "2001:f::1", "2001:10::1", "2001:1f::1", "2001:20::1",     "feff::1",        "ff02::1"};
    const bool is_ipv4 = packet.source.family == Family::kIpv4;
    if (one_in(4)) packet.destination = *Address::parse(is_ipv4 ? "255.255.255.255" : "ff02::2");
    if (one_in(4)) return packet.destination;
    return *Address::parse(one_of(is_ipv4 ? ipv4 : ipv6));
}

packet::Packet RandomPolicy::packet(const Policy& policy) {
    const Rule& rule = one_of(policy.rules);
    const Family family = family_for(rule);
    packet::Packet packet;
    packet.side = one_in(8) ? policy::Side::kInternal : rule.side;
    packet.direction = rule.direction;
    if (rule.direction == policy::Direction::kBoth || one_in(8))
        packet.direction = static_cast<policy::Direction>(below(2));
    packet.source = corner(policy, rule.remote, family);
    packet.destination = corner(policy, rule.local, family);
    fill_protocol(packet, rule);
    if (policy::has_ports(packet.protocol)) {
        packet.source_port = corner(rule.remote_port);
        packet.destination_port = corner(rule.local_port);
    }
    if (one_in(12)) packet.source = martian(packet);
    if (packet.hook() == EDGEFW_SENT) {
        std::swap(packet.source, packet.destination);
        std::swap(packet.source_port, packet.destination_port);
    }
    if (rule.vlan && !one_in(4)) packet.vlan = *rule.vlan;
    if (one_in(10)) packet.vlan = static_cast<std::uint16_t>(1 + below(4));
    return packet;
}

}  // namespace edgefw::test
