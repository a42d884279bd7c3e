// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/martians.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace edgefw::image {
namespace {

bool is_link_local(const Address& address) {
    return address.family == Family::kIpv4 ? address.value >> 16 == 0xa9fe : address.value >> 118 == 0xfe80 >> 6;
}

bool is_loopback(const Address& address) {
    return address.family == Family::kIpv4 ? address.value >> 24 == 127 : address.value == 1;
}

bool holds(const Prefix& outer, const Prefix& inner) {
    return AddressRange::of(outer).contains(AddressRange::of(inner));
}

bool is_outside(const std::vector<OwnAddress>& addresses, const Prefix& network) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const OwnAddress& own) {
        return own.faces == Faces::kOutside && own.network.length > 0 &&
               AddressRange::of(own.network).overlaps(AddressRange::of(network));
    });
}

Prefix host_prefix(const Address& address) {
    return {address, width_of(address.family)};
}

edgefw_martian4 entry4(const Prefix& prefix) {
    edgefw_martian4 entry = {};
    const auto address = prefix.address.bytes();
    const auto mask = Address{Family::kIpv4, ~uint128{0} << (32 - prefix.length) & 0xffffffff}.bytes();
    std::memcpy(&entry.address, address.data(), sizeof(entry.address));
    std::memcpy(&entry.mask, mask.data(), sizeof(entry.mask));
    return entry;
}

edgefw_martian6 entry6(const Prefix& prefix) {
    edgefw_martian6 entry = {};
    const auto address = prefix.address.bytes();
    const auto mask = Address{Family::kIpv6, ~uint128{0} << (128 - prefix.length)}.bytes();
    std::memcpy(&entry.address, address.data(), sizeof(entry.address));
    std::memcpy(&entry.mask, mask.data(), sizeof(entry.mask));
    return entry;
}

}  // namespace

std::vector<Prefix> martians_of(const std::vector<OwnAddress>& addresses) {
    std::vector<Prefix> all;
    for (const OwnAddress& own : addresses) {
        if (is_link_local(own.address) || is_loopback(own.address)) continue;
        all.push_back(host_prefix(own.address));
        if (own.faces != Faces::kInside || own.network.length == 0 || is_link_local(own.network.address)) continue;
        if (!is_outside(addresses, own.network)) all.push_back(own.network);
    }
    std::sort(all.begin(), all.end(), [](const Prefix& a, const Prefix& b) {
        return std::tie(a.length, a.address) < std::tie(b.length, b.address);
    });
    std::vector<Prefix> kept;
    for (const Prefix& prefix : all) {
        const bool held =
            std::any_of(kept.begin(), kept.end(), [&](const Prefix& outer) { return holds(outer, prefix); });
        if (!held) kept.push_back(prefix);
    }
    return kept;
}

std::size_t set_martians(Image& image, const std::vector<Prefix>& martians) {
    edgefw_config& config = image.config[EDGEFW_EXTERNAL];
    std::fill(std::begin(config.martians), std::end(config.martians), 0);
    std::size_t left_out = 0;
    for (const Prefix& prefix : martians) {
        std::uint32_t& used = config.martians[static_cast<std::size_t>(prefix.address.family)];
        if (used == EDGEFW_MARTIANS) {
            left_out++;
        } else if (prefix.address.family == Family::kIpv4) {
            config.martian4[used++] = entry4(prefix);
        } else {
            config.martian6[used++] = entry6(prefix);
        }
    }
    return left_out;
}

}  // namespace edgefw::image
