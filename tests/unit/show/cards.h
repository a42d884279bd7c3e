// SPDX-License-Identifier: GPL-2.0-only
// Two attached cards under a small policy, as the kernel layer would report them.
#pragma once

#include <string>
#include <vector>

#include "maps/limits.h"
#include "userspace/kernel/types.h"

namespace edgefw::show {

inline constexpr const char* kDocument = R"({
  "rules": [
    {"id": "admin-ssh", "profile": null, "document": null, "table": null, "figure": null,
     "side": "external", "direction": "inbound", "protocol": "tcp", "local": "192.0.2.10", "local_port": "22",
     "remote": "$branch-offices", "remote_port": "any", "state": "keep", "action": "pass", "slot": 1024},
    {"id": "ocs/access-edge/external-443", "profile": "ocs2007", "document": "Step 2.3. Configure Firewalls",
     "table": 10, "figure": 5, "side": "external", "direction": "both", "protocol": "tcp",
     "local": ["192.0.2.20", "192.0.2.21"], "local_port": ["443", "5061"], "remote": "any", "remote_port": "any",
     "tcp_flags": "syn", "state": "none", "action": "pass", "slot": 1026},
    {"id": "ocs/access-edge/internal-5061", "profile": "ocs2007", "document": "Step 2.3. Configure Firewalls",
     "table": 10, "figure": 5, "side": "internal", "direction": "outbound", "protocol": "any",
     "local": "any", "local_port": "5061", "remote": "any", "remote_port": "any", "state": "keep",
     "action": "drop", "slot": 1025}],
  "nat": [{"id": "office/map", "type": "port-forward", "sides": ["external"], "protocol": "tcp", "public": "203.0.113.7", "public_port": "9555",
           "to": "10.0.0.5", "to_port": "9555", "slot": 32}],
  "defaults": {"external": {"inbound": "drop", "outbound": "pass"}, "internal": {"inbound": "pass", "outbound": "pass"}},
  "builtins": [{"id": "builtin/arp", "on": true}, {"id": "builtin/dhcp", "on": false}],
  "sets": [{"name": "branch-offices", "members": ["198.51.100.0/24", "2001:db8:7::/48"]}],
  "digest": "d1", "file": "policy.yaml"})";

// What is kept of it for who counts.
inline document::Listing listing() {
    using policy::Action;
    using policy::Direction;
    using policy::Side;
    return {{{"admin-ssh", "", Side::kExternal, Direction::kInbound, Action::kPass, 1024},
             {"ocs/access-edge/external-443", "ocs2007", Side::kExternal, Direction::kBoth, Action::kPass, 1026},
             {"ocs/access-edge/internal-5061", "ocs2007", Side::kInternal, Direction::kOutbound, Action::kDrop, 1025}},
            {{"office/map", policy::bit_of(Side::kExternal), 32}}};
}

inline kernel::Card external_card() {
    kernel::Card card;
    card.interface = "eth0";
    card.ifindex = 2;
    card.generation = 3;
    card.digest = "0123456789abcdef";
    card.received_program = 11;
    card.sent_program = 12;
    return card;
}

inline kernel::CardCounters external_counters() {
    kernel::CardCounters counters;
    counters.card = external_card();
    counters.listing = std::make_shared<const document::Listing>(listing());
    counters.slots.resize(1027);
    counters.slots[1024] = {7, 420, 1};
    counters.slots[1026] = {100, 6000, 9};
    counters.slots[32] = {5, 300, 2};
    counters.slots[EDGEFW_SLOT_FIRST_BUILTIN + EDGEFW_BUILTIN_ARP] = {2, 120, 0};
    counters.reasons[EDGEFW_RECEIVED][EDGEFW_PASS][EDGEFW_REASON_RULE] = {40, 2400};
    counters.reasons[EDGEFW_SENT][EDGEFW_PASS][EDGEFW_REASON_RULE] = {2, 120};
    counters.reasons[EDGEFW_RECEIVED][EDGEFW_DROP][EDGEFW_REASON_DEFAULT] = {3, 180};
    return counters;
}

inline kernel::CardCounters internal_counters() {
    kernel::CardCounters counters = external_counters();
    counters.card.interface = "eth1";
    counters.card.side = policy::Side::kInternal;
    counters.card.mode = kernel::ReceivedMode::kGeneric;
    counters.card.egress = kernel::Egress::kClsact;
    return counters;
}

}  // namespace edgefw::show
