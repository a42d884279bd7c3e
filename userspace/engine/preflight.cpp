// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/preflight.h"

#include <algorithm>

namespace edgefw::engine {
namespace {

using kernel::LeasedAddress;

bool has(const std::vector<LeasedAddress>& addresses, const Address& address) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const LeasedAddress& own) { return own.address == address; });
}

bool is_on(const policy::Policy& policy, edgefw_builtin builtin) {
    return (policy.builtins & 1u << builtin) != 0;
}

std::string lease_warning(const policy::Policy& policy, const LeasedAddress& own) {
    const bool ipv4 = own.address.family == Family::kIpv4;
    const std::string key = ipv4 ? "dhcp" : "dhcpv6";
    return policy.file + ": " + own.address.to_text() + " on " + own.interface +
           " has a limited lifetime, and builtins: {" + key + ": off} stops a DHCP client from renewing it; switch " +
           key + " on, or give the host a static address";
}

}  // namespace

bool is_apart(const policy::PortRange& ports, const kernel::NetworkFacts& host) {
    return ports.last < host.first_local_port || ports.first > host.last_local_port;
}

std::vector<std::string> preflight(const policy::Policy& policy, const kernel::NetworkFacts& host) {
    std::vector<std::string> warnings;
    const auto warn_unless_own = [&](const policy::Location& where, const std::string& id, const Address& address) {
        if (has(host.addresses, address)) return;
        warnings.push_back(where.to_text() + ": the public address " + address.to_text() + " of " + id +
                           " is not an address of this host; add it to the card, unless it is routed here");
    };
    for (const policy::Forward& forward : policy.forwards)
        warn_unless_own(forward.where, forward.id, forward.public_address);
    for (const policy::Masquerade& masquerade : policy.masquerades) {
        warn_unless_own(masquerade.where, masquerade.id, masquerade.public_address);
        if (is_apart(masquerade.ports, host) || !has(host.addresses, masquerade.public_address)) continue;
        warnings.push_back(masquerade.where.to_text() + ": " + masquerade.id + " takes ports " +
                           std::to_string(masquerade.ports.first) + "-" + std::to_string(masquerade.ports.last) +
                           ", and this host's own connections take " + std::to_string(host.first_local_port) + "-" +
                           std::to_string(host.last_local_port) +
                           " (net.ipv4.ip_local_port_range); keep the two apart, or replies get mixed up");
    }
    const bool translates = !policy.forwards.empty() || !policy.masquerades.empty();
    for (const std::string& chain : host.nat_chains) {
        warnings.push_back(policy.file + ": nftables translates here, too (chain " + chain + "): " +
                           (translates ? "let one of the two do it, or connections are translated twice"
                                       : "outbound rules see the addresses that it writes"));
    }
    for (const LeasedAddress& own : host.addresses) {
        const bool ipv4 = own.address.family == Family::kIpv4;
        if (!own.dynamic || is_on(policy, ipv4 ? EDGEFW_BUILTIN_DHCP : EDGEFW_BUILTIN_DHCPV6)) continue;
        warnings.push_back(lease_warning(policy, own));
    }
    return warnings;
}

}  // namespace edgefw::engine
