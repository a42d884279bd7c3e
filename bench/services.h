// SPDX-License-Identifier: GPL-2.0-only
// The policy under test, as values, as YAML and as nftables rules: an edge with one web service, media ports and a port
// forward, and any number of further services, each on a host of its own with 1 to 8 remote prefixes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::bench {

struct Service {
    Address host;
    std::uint16_t port = 0;
    std::vector<Prefix> remotes;  // disjoint
    policy::State state = policy::State::kKeep;
};

// The same `count` services every time. They keep state and judge each packet alone in turn, the first keeps.
std::vector<Service> further_services(std::uint32_t count);

policy::Policy policy_of(const std::vector<Service>& services);
std::string yaml_of(const std::vector<Service>& services);
// A table of the same meaning: what is known passes first, then rule by rule, then drop.
std::string nftables_of(const std::vector<Service>& services);
// Its rules alone, one line each.
std::string nftables_rules_of(const std::vector<Service>& services);

// Packets of the edge's own services.
packet::Packet web(std::uint8_t tcp_flags);        // external inbound, to the web service
packet::Packet media();                            // external inbound, UDP
packet::Packet forwarded(std::uint8_t tcp_flags);  // external inbound, to the public end of the forward
// What answers `packet`, as it is on the wire before any translation of what is sent.
packet::Packet reply_to(const packet::Packet& packet, std::uint8_t tcp_flags);
// What the gateway behind the forward answers.
packet::Packet gateway_reply(std::uint8_t tcp_flags);

// A SYN to `service` from one of its remotes.
packet::Packet syn_to(const Service& service);
// A remote that no service lists.
Address stranger();

}  // namespace edgefw::bench
