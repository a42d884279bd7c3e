// What is right in the policy and may be wrong on this host.
#pragma once

#include <string>
#include <vector>

#include "userspace/kernel/host.h"
#include "userspace/policy/policy.h"

namespace edgefw::observe {

// One warning a line: a forward whose public address is none of this host's; an address that a DHCP server leases while
// the policy drops the client's packets.
std::vector<std::string> preflight(const policy::Policy& policy, const std::vector<kernel::HostAddress>& addresses);

}  // namespace edgefw::observe
