// SPDX-License-Identifier: GPL-2.0-only
// IP addresses, prefixes and ranges as values. IPv4 and IPv6 never mix in one range.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace edgefw {

__extension__ using uint128 = unsigned __int128;

enum class Family : std::uint8_t { kIpv4 = 0, kIpv6 = 1 };  // as enum edgefw_family

struct Address {
    Family family = Family::kIpv4;
    uint128 value = 0;  // host order; an IPv4 address is below 2^32

    auto operator<=>(const Address&) const = default;

    // "192.0.2.1", "2001:db8::1". Nothing else (no zone, no brackets, no shortened IPv4).
    static std::optional<Address> parse(std::string_view text);
    std::string to_text() const;                 // RFC 5952 for IPv6
    std::array<std::uint8_t, 16> bytes() const;  // network order; IPv4 uses the first four
    static Address from_bytes(Family family, const std::uint8_t* bytes);
    // The four 32-bit words of the tree fields: IPv4 is in word 0.
    std::array<std::uint32_t, 4> words() const;
};

inline int width_of(Family family) {
    return family == Family::kIpv4 ? 32 : 128;
}

struct Prefix {
    Address address;  // host bits are zero
    int length = 0;

    auto operator<=>(const Prefix&) const = default;
    // The one of that length that holds `address`.
    static Prefix around(const Address& address, int length);
    std::string to_text() const;  // "192.0.2.0/24", a host without "/32"
};

// First to last, both included, of one family.
struct AddressRange {
    Address first;
    Address last;

    auto operator<=>(const AddressRange&) const = default;

    // A host, "prefix/length" (host bits must be zero) or "first-last". The reason of a refusal is in `why` when given.
    static std::optional<AddressRange> parse(std::string_view text, std::string* why = nullptr);
    static AddressRange of(const Prefix& prefix);
    static AddressRange single(const Address& address) { return {address, address}; }
    bool contains(const Address& address) const { return first <= address && address <= last; }
    bool contains(const AddressRange& other) const {
        return first.family == other.first.family && first <= other.first && other.last <= last;
    }
    bool overlaps(const AddressRange& other) const {
        return first.family == other.first.family && first <= other.last && other.first <= last;
    }
    bool is_single() const { return first == last; }
    // The fewest prefixes that cover exactly this range, in order.
    std::vector<Prefix> prefixes() const;
    std::string to_text() const;  // shortest of host, prefix, first-last
};

}  // namespace edgefw
