// SPDX-License-Identifier: GPL-2.0-only
// Kinds of connections: without translation, and through each kind of NAT. The tables that compare them walk this list.
#pragma once

#include <string>
#include <vector>

#include "bench/instance.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::bench {

struct ConnectionKind {
    std::string name;
    policy::Policy policy;
    // What opens it on the external card, as on the wire before any translation; and the segment that confirms it. The
    // remote's port and low address half can be any; this port is none of those that drivers rotate.
    packet::Packet opener, confirmation;
    double established_target = 0;  // of the ratio to the floor; 0: none
    double bytes_target = 0;        // of map memory beyond the kernel's own; 0: none

    bool is_ipv4() const { return opener.source.family == Family::kIpv4; }
};

// What answers the opener, before any translation: the programs say where the opener went.
Result<packet::Packet> answer_of(const ConnectionKind& kind, const Instance& instance);

// Fails where a policy or a packet of the list is wrong.
Result<std::vector<ConnectionKind>> connection_kinds();

}  // namespace edgefw::bench
