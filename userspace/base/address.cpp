// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace edgefw {
namespace {

uint128 all_ones(Family family) {
    return family == Family::kIpv4 ? uint128{0xffffffffu} : ~uint128{0};
}

// The host part of a prefix of `length` bits.
uint128 host_mask(Family family, int length) {
    const int host_bits = width_of(family) - length;
    return host_bits == 128 ? ~uint128{0} : (uint128{1} << host_bits) - 1;
}

// inet_pton wants a terminated string; no address is longer than this.
std::optional<std::array<std::uint8_t, 16>> presentation_to_bytes(int family, std::string_view text) {
    char terminated[INET6_ADDRSTRLEN] = {};
    std::array<std::uint8_t, 16> bytes{};
    if (text.size() >= sizeof(terminated)) return std::nullopt;
    std::memcpy(terminated, text.data(), text.size());
    // A NUL inside the text would end it early.
    if (std::strlen(terminated) != text.size()) return std::nullopt;
    if (inet_pton(family, terminated, bytes.data()) != 1) return std::nullopt;
    return bytes;
}

std::string ipv4_text(std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string((value >> shift) & 0xff);
        if (shift > 0) text += '.';
    }
    return text;
}

struct Run {
    int first = 0;
    int length = 0;
};

// The longest run of two or more zero groups, the first of them when several are as long (RFC 5952 section 4.2).
Run longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
    Run best;
    Run current;
    for (int i = 0; i < 8; ++i) {
        if (groups[i] != 0) {
            current.length = 0;
            continue;
        }
        if (current.length++ == 0) current.first = i;
        if (current.length > best.length) best = current;
    }
    return best.length >= 2 ? best : Run{};
}

std::string ipv6_text(uint128 value) {
    if (value >> 32 == 0xffff) return "::ffff:" + ipv4_text(static_cast<std::uint32_t>(value));
    std::array<std::uint16_t, 8> groups{};
    for (int i = 0; i < 8; ++i)
        groups[i] = static_cast<std::uint16_t>(value >> (112 - 16 * i));
    const Run zeros = longest_zero_run(groups);
    std::string text;
    for (int i = 0; i < 8; ++i) {
        if (zeros.length > 0 && i == zeros.first) {
            text += "::";
            i += zeros.length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        char digits[4];
        const auto end = std::to_chars(digits, digits + sizeof(digits), groups[i], 16).ptr;
        text.append(digits, end);
    }
    return text;
}

std::optional<int> parse_length(std::string_view text, Family family) {
    int length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (length < 0 || length > width_of(family)) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return length;
}

// Remembers why a text is no range, for callers that asked.
class Refusal {
public:
    explicit Refusal(std::string* why) : why_(why) {}
    std::nullopt_t operator()(const std::string& reason) const {
        if (why_ != nullptr) *why_ = reason;
        return std::nullopt;
    }

private:
    std::string* why_;
};

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::optional<AddressRange> parse_prefix(std::string_view text, std::size_t slash, const Refusal& refuse) {
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return refuse(quoted(text.substr(0, slash)) + " is not an IP address");
    const auto length = parse_length(text.substr(slash + 1), address->family);
    if (!length) {
        return refuse(quoted(text.substr(slash)) + " is not a prefix length; write /0 to /" +
                      std::to_string(width_of(address->family)));
    }
    const Prefix prefix = Prefix::around(*address, *length);
    if (prefix.address != *address) {
        return refuse(quoted(text) + " has host bits set; the prefix is " + prefix.to_text() + ", the host alone " +
                      address->to_text());
    }
    return AddressRange::of(prefix);
}

std::optional<AddressRange> parse_first_last(std::string_view text, std::size_t dash, const Refusal& refuse) {
    const auto first = Address::parse(text.substr(0, dash));
    if (!first) return refuse(quoted(text.substr(0, dash)) + " is not an IP address");
    const auto last = Address::parse(text.substr(dash + 1));
    if (!last) return refuse(quoted(text.substr(dash + 1)) + " is not an IP address");
    if (first->family != last->family) {
        return refuse("a range is of one family, " + quoted(text) + " mixes IPv4 and IPv6");
    }
    if (*last < *first) {
        return refuse("the range " + quoted(text) + " ends before it starts; write " + last->to_text() + "-" +
                      first->to_text());
    }
    return AddressRange{*first, *last};
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
    const Family family = text.find(':') == std::string_view::npos ? Family::kIpv4 : Family::kIpv6;
    const auto bytes = presentation_to_bytes(family == Family::kIpv4 ? AF_INET : AF_INET6, text);
    if (!bytes) return std::nullopt;
    return from_bytes(family, bytes->data());
}

std::string Address::to_text() const {
    return family == Family::kIpv4 ? ipv4_text(static_cast<std::uint32_t>(value)) : ipv6_text(value);
}

std::array<std::uint8_t, 16> Address::bytes() const {
    std::array<std::uint8_t, 16> bytes{};
    const int count = width_of(family) / 8;
    for (int i = 0; i < count; ++i) {
        bytes[i] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
    }
    return bytes;
}

Address Address::from_bytes(Family family, const std::uint8_t* bytes) {
    Address address{family, 0};
    for (int i = 0; i < width_of(family) / 8; ++i)
        address.value = address.value << 8 | bytes[i];
    return address;
}

std::array<std::uint32_t, 4> Address::words() const {
    if (family == Family::kIpv4) return {static_cast<std::uint32_t>(value), 0, 0, 0};
    return {static_cast<std::uint32_t>(value >> 96), static_cast<std::uint32_t>(value >> 64),
            static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)};
}

Prefix Prefix::around(const Address& address, int length) {
    return {{address.family, address.value & ~host_mask(address.family, length)}, length};
}

std::string Prefix::to_text() const {
    if (length == width_of(address.family)) return address.to_text();
    return address.to_text() + "/" + std::to_string(length);
}

std::optional<AddressRange> AddressRange::parse(std::string_view text, std::string* why) {
    const Refusal refuse(why);
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        return parse_prefix(text, slash, refuse);
    }
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
        return parse_first_last(text, dash, refuse);
    }
    const auto address = Address::parse(text);
    if (!address) return refuse(quoted(text) + " is not an IP address, prefix or first-last range");
    return single(*address);
}

AddressRange AddressRange::of(const Prefix& prefix) {
    const Address& first = prefix.address;
    return {first, {first.family, first.value | host_mask(first.family, prefix.length)}};
}

std::vector<Prefix> AddressRange::prefixes() const {
    const Family family = first.family;
    std::vector<Prefix> covering;
    uint128 next = first.value;
    while (true) {
        // The shortest prefix that starts at `next` and does not reach beyond `last`.
        int length = width_of(family);
        while (length > 0) {
            const uint128 mask = host_mask(family, length - 1);
            if ((next & mask) != 0 || (next | mask) > last.value) break;
            --length;
        }
        covering.push_back({{family, next}, length});
        const uint128 end = next | host_mask(family, length);
        if (end >= last.value || end == all_ones(family)) return covering;
        next = end + 1;
    }
}

std::string AddressRange::to_text() const {
    if (is_single()) return first.to_text();
    const uint128 mask = first.value ^ last.value;
    const bool is_prefix = (mask & (mask + 1)) == 0 && (first.value & mask) == 0;
    if (!is_prefix) return first.to_text() + "-" + last.to_text();
    int length = width_of(first.family);
    for (uint128 bits = mask; bits != 0; bits >>= 1)
        --length;
    return Prefix{first, length}.to_text();
}

}  // namespace edgefw
