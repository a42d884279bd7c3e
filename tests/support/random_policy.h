// SPDX-License-Identifier: GPL-2.0-only
// Random policies, and packets at the corners of their rules: just inside, at the edge, just outside.
#pragma once

#include <cstdint>
#include <random>

#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::test {

class RandomPolicy {
public:
    explicit RandomPolicy(std::uint32_t seed) : random_(seed) {}

    // `rules` of them over few hosts and ports, so that they overlap; named sets and long lists among them. No
    // forwards, no built-in rules.
    policy::Policy policy(std::size_t rules);

    // Near a corner of a random rule, some fields elsewhere.
    packet::Packet packet(const policy::Policy& policy);

private:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }
    template <typename T>
    const T& one_of(const std::vector<T>& values) {
        return values[below(static_cast<std::uint32_t>(values.size()))];
    }

    Address address(Family family);
    AddressRange range(Family family);
    std::vector<AddressRange> list(std::uint32_t most);
    policy::AddressMatch addresses(const policy::Policy& policy);
    std::vector<policy::PortRange> ports();
    policy::Rule rule(const policy::Policy& policy, std::size_t number);
    void restrict_protocol(policy::Rule& rule);

    Address near(const AddressRange& range);
    Address martian(packet::Packet& packet);
    Address corner(const policy::Policy& policy, const policy::AddressMatch& match, Family family);
    std::uint16_t corner(const std::vector<policy::PortRange>& ports);
    Family family_for(const policy::Rule& rule);
    void fill_protocol(packet::Packet& packet, const policy::Rule& rule);

    std::mt19937 random_;
};

}  // namespace edgefw::test
