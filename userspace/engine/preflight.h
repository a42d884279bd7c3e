// SPDX-License-Identifier: GPL-2.0-only
// What is right in the policy and may be wrong on this host.
#pragma once

#include <string>
#include <vector>

#include "userspace/kernel/types.h"
#include "userspace/policy/policy.h"

namespace edgefw::engine {

// Whether connections of the host itself take none of these ports (net.ipv4.ip_local_port_range).
bool is_apart(const policy::PortRange& ports, const kernel::NetworkFacts& host);

// One warning a line: a NAT entry whose public address is none of this host's, a masquerade that takes ports which the
// host's own connections take; nftables that translate, too; an address that a DHCP server leases while the policy
// drops the client's packets.
std::vector<std::string> preflight(const policy::Policy& policy, const kernel::NetworkFacts& host);

}  // namespace edgefw::engine
