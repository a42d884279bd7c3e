// SPDX-License-Identifier: GPL-2.0-only
// check, NAT entries.
#pragma once

#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// The ports of a masquerade that names no `ports:`. Linux by default takes none of them for its own connections
// (net.ipv4.ip_local_port_range ends at 60999).
inline constexpr PortRange kMasqueradePorts{61000, 65535};

// What one entry of `nat:` comes to: a port forward is one a protocol, a mapped entry one a port and a masquerade, a
// hairpin adds a masquerade. Nothing when the entry has errors.
struct Nat {
    std::vector<Forward> forwards;
    std::vector<Masquerade> masquerades;
};
Nat check_nat(const Item& item, Diagnostics& diagnostics);

}  // namespace edgefw::policy
