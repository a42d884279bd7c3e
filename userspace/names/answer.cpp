// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/names/answer.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

#include "maps/abi.h"
#include "maps/limits.h"

namespace edgefw::names {
namespace {

Address address_of(const sockaddr* socket) {
    if (socket->sa_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(socket);
        return Address::from_bytes(Family::kIpv4, reinterpret_cast<const std::uint8_t*>(&ipv4->sin_addr));
    }
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(socket);
    return Address::from_bytes(Family::kIpv6, ipv6->sin6_addr.s6_addr);
}

// Sorted, each once, no more than the limit of either family.
void tidy(std::vector<Address>& addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    std::size_t counts[EDGEFW_FAMILIES] = {};
    std::erase_if(addresses, [&](const Address& address) {
        return ++counts[static_cast<std::size_t>(address.family)] > EDGEFW_MAX_HOST_ADDRESSES;
    });
}

Answer answer_from(const ares_addrinfo& info) {
    Answer answer;
    int ttl = INT32_MAX;
    std::size_t refused = 0;
    for (const ares_addrinfo_cname* cname = info.cnames; cname != nullptr; cname = cname->next)
        ttl = std::min(ttl, cname->ttl);
    for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
        ttl = std::min(ttl, node->ai_ttl);
        const Address address = address_of(node->ai_addr);
        if (is_host_address(address)) {
            answer.addresses.push_back(address);
        } else {
            ++refused;
        }
    }
    tidy(answer.addresses);
    // RFC 2181 section 8: a TTL with the highest bit set is zero.
    answer.ttl = answer.addresses.empty() ? 0 : static_cast<std::uint32_t>(std::max(ttl, 0));
    if (answer.addresses.empty()) {
        answer.problem = refused == 0 ? "it has no address" : "the server names only addresses that no host can have";
    }
    return answer;
}

std::string problem_of(int status) {
    switch (status) {
        case ARES_ENOTFOUND:
            return "there is no such name";
        case ARES_ENODATA:
            return "it has no address";
        case ARES_ECONNREFUSED:
            return "no server answers";
        case ARES_ETIMEOUT:
        case ARES_ECANCELLED:
            return "no server answered in time";
        default:
            return ares_strerror(status);
    }
}

bool is_in(const Address& address, int length, uint128 network) {
    return address.value >> (width_of(address.family) - length) == network;
}

}  // namespace

bool is_host_address(const Address& address) {
    if (address.family == Family::kIpv4) {
        return !is_in(address, 8, 0) && !is_in(address, 8, 127) && !is_in(address, 3, 7);  // 224.0.0.0 and above
    }
    const bool low = is_in(address, 80, 0);  // ::, ::1, IPv4-mapped and IPv4-compatible
    return !low && !is_in(address, 8, 0xff);
}

Answer answer_of(int status, const ares_addrinfo* info) {
    if (status == ARES_SUCCESS && info != nullptr) return answer_from(*info);
    Answer answer;
    answer.problem = problem_of(status);
    return answer;
}

}  // namespace edgefw::names
