// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/masquerades.h"

#include <arpa/inet.h>

#include <cstring>

namespace edgefw::image {
namespace {

__be32 network_order(const Address& address) {
    __be32 value = 0;
    std::memcpy(&value, address.bytes().data(), sizeof value);
    return value;
}

__be32 mask_of(const Prefix& prefix) {
    return prefix.length == 0 ? 0 : htonl(~std::uint32_t{0} << (32 - prefix.length));
}

std::vector<Prefix> prefixes_of(const std::vector<AddressRange>& ranges) {
    std::vector<Prefix> prefixes;
    for (const AddressRange& range : ranges) {
        const auto some = range.prefixes();
        prefixes.insert(prefixes.end(), some.begin(), some.end());
    }
    if (prefixes.empty()) prefixes.push_back({});
    return prefixes;
}

}  // namespace

std::vector<edgefw_masquerade> masquerade_entries(const policy::Masquerade& masquerade, std::uint16_t slot) {
    std::vector<edgefw_masquerade> entries;
    for (const Prefix& from : prefixes_of(masquerade.from)) {
        for (const Prefix& to : prefixes_of(masquerade.to)) {
            edgefw_masquerade entry = {};
            entry.inside = network_order(from.address);
            entry.inside_mask = mask_of(from);
            entry.remote = network_order(to.address);
            entry.remote_mask = mask_of(to);
            entry.public_address = network_order(masquerade.public_address);
            entry.first = masquerade.ports.first;
            entry.last = masquerade.ports.last;
            entry.remote_port = htons(masquerade.remote_port);
            entry.protocol = masquerade.protocol.value_or(0);
            entry.flags = static_cast<__u8>(EDGEFW_FORWARD_ON(static_cast<unsigned>(masquerade.side)));
            entry.slot = slot;
            entry.keeps_parity = masquerade.keeps_parity ? 1 : 0;
            entries.push_back(entry);
        }
    }
    return entries;
}

}  // namespace edgefw::image
