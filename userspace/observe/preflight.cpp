#include "userspace/observe/preflight.h"

#include <algorithm>

namespace edgefw::observe {
namespace {

using kernel::HostAddress;

bool has(const std::vector<HostAddress>& addresses, const Address& address) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const HostAddress& own) { return own.address == address; });
}

bool is_on(const policy::Policy& policy, edgefw_builtin builtin) {
    return (policy.builtins & 1u << builtin) != 0;
}

std::string lease_warning(const policy::Policy& policy, const HostAddress& own) {
    const bool ipv4 = own.address.family == Family::kIpv4;
    const std::string key = ipv4 ? "dhcp" : "dhcpv6";
    return policy.file + ": " + own.address.to_text() + " on " + own.interface +
           " has a limited lifetime, and builtins: {" + key + ": off} stops a DHCP client from renewing it; switch " +
           key + " on, or give the host a static address";
}

}  // namespace

std::vector<std::string> preflight(const policy::Policy& policy, const std::vector<HostAddress>& addresses) {
    std::vector<std::string> warnings;
    for (const policy::Forward& forward : policy.forwards) {
        if (has(addresses, forward.public_address)) continue;
        warnings.push_back(forward.where.to_text() + ": the public address " + forward.public_address.to_text() +
                           " of " + forward.id +
                           " is not an address of this host; add it to the external card, unless"
                           " it is routed here");
    }
    for (const HostAddress& own : addresses) {
        const bool ipv4 = own.address.family == Family::kIpv4;
        if (!own.dynamic || is_on(policy, ipv4 ? EDGEFW_BUILTIN_DHCP : EDGEFW_BUILTIN_DHCPV6)) continue;
        warnings.push_back(lease_warning(policy, own));
    }
    return warnings;
}

}  // namespace edgefw::observe
