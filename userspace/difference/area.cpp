// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/area.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "userspace/language/ethertype.h"
#include "userspace/language/icmp.h"
#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::difference {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;
constexpr Span kLengths{0, 0x05ff};      // of IEEE 802.3, in place of an ethertype
constexpr std::uint16_t kShortest = 46;  // the one that a packet in notation has

std::bitset<256> numbers_of(const Messages& messages, const std::vector<Messages>& all) {
    std::bitset<256> numbers;
    if (messages.protocol) return numbers.set(*messages.protocol);
    for (const Messages& other : all) {
        if (other.protocol) numbers.set(*other.protocol);
    }
    return ~numbers;
}

// One of them whose header nobody looks at. IPv6 extension headers are none, nor is ICMP in the wrong family.
std::uint8_t plain_of(const std::bitset<256>& numbers) {
    constexpr std::array<std::uint8_t, 8> kPlain = {47, 89, 103, 112, 253, 254, 94, 115};
    const auto found = std::find_if(kPlain.begin(), kPlain.end(), [&](std::uint8_t number) { return numbers[number]; });
    return found == kPlain.end() ? std::uint8_t{0xff} : *found;
}

using Flags = std::bitset<256>;

// The flags that are in `set` with `bit` as it is said, whatever the bit is.
Flags where(const Flags& set, std::uint8_t bit, bool is_set) {
    Flags result;
    for (std::size_t flags = 0; flags < 256; ++flags)
        result[flags] = set[is_set ? flags | bit : flags & ~std::size_t{bit}];
    return result;
}

// As cubes: "syn,!ack" is all that have SYN and lack ACK.
void add_cubes(const Flags& set, const std::string& words, std::string& text) {
    if (set.none()) return;
    for (const char* name : {"syn", "ack", "rst", "fin", "psh", "urg", "ece", "cwr"}) {
        const std::uint8_t bit = *policy::value_of(name, policy::kTcpFlags);
        const Flags without = where(set, bit, false), with = where(set, bit, true);
        if (without == with) continue;
        const std::string before = words.empty() ? "" : words + ",";
        add_cubes(with, before + name, text);
        add_cubes(without, before + "!" + name, text);
        return;
    }
    text += (text.empty() ? "" : "|") + words;
}

std::string flags_text(const Spans& details) {
    constexpr std::size_t kAsked = 0x17;
    Flags set, openers;
    for (std::uint32_t flags = 0; flags < 256; ++flags) {
        set[flags] = difference::covers(details, {flags, flags});
        openers[flags] = (flags & kAsked) == kSyn;
    }
    if (set == openers) return "syn";
    if (set == ~openers) return "not-syn";
    std::string text;
    add_cubes(set, "", text);
    return text;
}

std::string icmp_text(std::uint8_t protocol, const Spans& details) {
    std::string text;
    const auto add = [&text](const std::string& word) { text += (text.empty() ? "" : ",") + word; };
    for (Span span : details) {
        while (true) {
            const auto low = static_cast<std::uint32_t>(span.low), high = static_cast<std::uint32_t>(span.high);
            const std::uint32_t type = low >> 8, code = low & 0xff, end = std::min(high, type << 8 | 0xff);
            const bool whole = code == 0 && end == (type << 8 | 0xff);
            const std::string_view name = policy::icmp_name(protocol, static_cast<std::uint8_t>(type));
            if (whole && high - low > 0xff) {  // whole types, in a row
                const std::uint32_t last = (high + 1) / 0x100 - 1;
                add(std::to_string(type) + "-" + std::to_string(last));
                if ((last << 8 | 0xff) == high) break;
                span.low = (last + 1) << 8;
                continue;
            }
            if (whole)
                add(name.empty() ? std::to_string(type) : std::string(name));
            else
                add(std::to_string(type) + "/" + std::to_string(code) +
                    (end == low ? "" : "-" + std::to_string(end & 0xff)));
            if (end == high) break;
            span.low = end + 1;
        }
    }
    return text;
}

std::string range_text(Span span) {
    if (span.low == span.high) return std::to_string(static_cast<std::uint32_t>(span.low));
    return std::to_string(static_cast<std::uint32_t>(span.low)) + "-" +
           std::to_string(static_cast<std::uint32_t>(span.high));
}

std::string vlan_text(Span vlan) {
    if (vlan == Span{0, 4094}) return "";
    if (vlan == Span{0, 0}) return " untagged";
    return (vlan.low == 0 ? " untagged or vlan " : " vlan ") + range_text({std::max<uint128>(vlan.low, 1), vlan.high});
}

std::string end_text(Family family, Span address, Span port, bool has_ports) {
    std::string text = AddressRange{{family, address.low}, {family, address.high}}.to_text();
    if (!has_ports) return text;
    if (family == Family::kIpv6) text = "[" + text + "]";
    return text + ":" + (port == Span{0, 0xffff} ? "any" : range_text(port));
}

std::string hexadecimal(uint128 value) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "0x%04x", static_cast<unsigned>(value));
    return text.data();
}

std::string frame_text(const Box& box) {
    const Span types = box[kLocalPort];
    if (types == Span{0, 0xffff}) return " ethertype any" + vlan_text(box[kVlan]);
    if (types == kLengths || types.low == types.high) {
        const policy::EthertypeRange named{static_cast<std::uint16_t>(types.low),
                                           static_cast<std::uint16_t>(types.high)};
        return " ethertype " + policy::to_text(named) + vlan_text(box[kVlan]);
    }
    return " ethertype " + hexadecimal(types.low) + "-" + hexadecimal(types.high) + vlan_text(box[kVlan]);
}

Span point(uint128 value) {
    return {value, value};
}

// One of `span` that looks like what people send.
uint128 example_address(Span span) {
    return span.high - span.low > 1 ? span.low + 1 : span.low;
}

std::uint16_t example_port(Span span, std::uint16_t wanted) {
    if (span.covers({wanted, wanted})) return wanted;
    return static_cast<std::uint16_t>(span.low == 0 && span.high > 0 ? 1 : span.low);
}

bool is_from_itself(uint128 local, uint128 remote, const std::vector<uint128>& shifts) {
    return std::any_of(shifts.begin(), shifts.end(), [&](uint128 shift) { return local + shift == remote; });
}

// The addresses of a packet. False: each pair that the box has is from its own destination.
bool pick_addresses(const Box& box, const std::vector<uint128>& shifts, bool martian, uint128& local, uint128& remote) {
    local = example_address(box[kLocal]);
    // Each local address is the remote one of as many packets as there are shifts: one of so many and one more is not.
    for (std::size_t step = 0; step <= shifts.size(); ++step) {
        remote = example_address(box[kRemote]) + step;
        if (remote > box[kRemote].high) break;
        if (!martian || !is_from_itself(local, remote, shifts)) return true;
    }
    for (std::size_t step = 0; step <= shifts.size(); ++step) {
        local = box[kLocal].low + step;
        remote = box[kRemote].low;
        if (local > box[kLocal].high) break;
        if (!is_from_itself(local, remote, shifts)) return true;
    }
    return false;
}

std::uint32_t example_detail(const Messages& kind) {
    if (kind.details.empty()) return 0;
    if (kind.protocol == IPPROTO_TCP) {
        for (const std::uint8_t flags : {kSyn, kAck}) {
            if (difference::covers(kind.details, {flags, flags})) return flags;
        }
    }
    return static_cast<std::uint32_t>(kind.details.front().low);
}

}  // namespace

bool Area::contains(const packet::Packet& packet) const {
    if (packet.side != plot.side || packet.hook() != plot.hook) return false;
    const bool is_frame = packet.ethertype.has_value();
    if (is_frame != !plot.family || !box[kVlan].covers(point(packet.vlan.value_or(0)))) return false;
    if (is_frame) return box[kLocalPort].covers(point(*packet.ethertype));
    if (packet.source.family != plot.family || !numbers[packet.protocol]) return false;
    const bool received = plot.hook == EDGEFW_RECEIVED;
    const Address &local = received ? packet.destination : packet.source,
                  &remote = received ? packet.source : packet.destination;
    if (!box[kLocal].covers(point(local.value)) || !box[kRemote].covers(point(remote.value))) return false;
    if (policy::has_ports(packet.protocol)) {
        const std::uint16_t local_port = received ? packet.destination_port : packet.source_port,
                            remote_port = received ? packet.source_port : packet.destination_port;
        if (!box[kLocalPort].covers(point(local_port)) || !box[kRemotePort].covers(point(remote_port))) return false;
    }
    if (all_details) return true;
    const std::uint32_t detail =
        packet.protocol == IPPROTO_TCP ? packet.tcp_flags : std::uint32_t{packet.icmp_type} << 8 | packet.icmp_code;
    return difference::covers(details, point(detail));
}

long double Area::width() const {
    long double bits = 0;
    for (const Span span : box)
        bits += std::log2(static_cast<long double>(span.high - span.low) + 1);
    long double count = protocols == Protocols::kAll ? 256 : protocols == Protocols::kOther ? 128 : 1;
    if (!all_details) {
        count = 0;
        for (const Span span : details)
            count += static_cast<long double>(span.high - span.low) + 1;
        count /= protocol == IPPROTO_TCP ? 0x100 : 0x10000;
    }
    return bits + std::log2(count);
}

std::string Area::to_text() const {
    const policy::Direction direction = policy::direction_of(plot.side, plot.hook);
    std::string text = std::string(policy::to_text(plot.side)) + " " + policy::to_text(direction);
    if (!plot.family) return text + frame_text(box);
    const bool has_ports = protocols == Protocols::kOne && policy::has_ports(protocol);
    const std::string local = end_text(*plot.family, box[kLocal], box[kLocalPort], has_ports);
    const std::string remote = end_text(*plot.family, box[kRemote], box[kRemotePort], has_ports);
    const bool received = plot.hook == EDGEFW_RECEIVED;
    const std::string word = protocols == Protocols::kAll     ? "any"
                             : protocols == Protocols::kOther ? "other"
                                                              : policy::protocol_text(protocol);
    text += " " + word + " " + (received ? remote : local) + " > " + (received ? local : remote);
    if (protocols == Protocols::kOne && protocol == IPPROTO_TCP)
        text += all_details ? " any-flags" : " " + flags_text(details);
    if (protocols == Protocols::kOne && packet::is_icmp(protocol, *plot.family))
        text += all_details ? " any-type" : " " + icmp_text(protocol, details);
    return text + vlan_text(box[kVlan]);
}

std::vector<Area> areas_of(const Plot& plot, const Box& box, const std::vector<Messages>& all,
                           const std::vector<std::uint32_t>& messages, std::uint32_t builtins) {
    const auto in_notation = [builtins](const Messages& kind) { return !kind.hops || !(builtins >> *kind.hops & 1); };
    if (messages.size() == all.size()) {
        Area area{plot, box, Area::Protocols::kAll};
        if (plot.family) area.numbers.set();
        const Messages& kind = all.front();  // of TCP; of frames the only one
        area.example = kind.protocol.value_or(0);
        area.detail = example_detail(kind);
        return {area};
    }
    std::map<int, Area> by_protocol;
    for (const std::uint32_t place : messages) {
        const Messages& kind = all[place];
        const auto [found, is_new] = by_protocol.try_emplace(kind.protocol ? *kind.protocol : 256, Area{plot, box});
        Area& area = found->second;
        area.protocols = kind.protocol ? Area::Protocols::kOne : Area::Protocols::kOther;
        area.protocol = kind.protocol.value_or(0);
        area.numbers = numbers_of(kind, all);
        area.example = kind.protocol ? *kind.protocol : plain_of(area.numbers);
        area.details.insert(area.details.end(), kind.details.begin(), kind.details.end());
        if (in_notation(kind) && (!area.detail || kind.opens)) area.detail = example_detail(kind);
    }
    std::vector<Area> areas;
    for (auto& [protocol, area] : by_protocol) {
        area.details = merged(std::move(area.details));
        const Span whole{0, protocol == IPPROTO_TCP ? uint128{0xff} : uint128{0xffff}};
        area.all_details = area.details.empty() || area.details == Spans{whole};
        areas.push_back(std::move(area));
    }
    return areas;
}

bool is_all_martian(const Box& box, const std::vector<uint128>& local_shifts) {
    uint128 local = 0, remote = 0;
    return !pick_addresses(box, local_shifts, true, local, remote);
}

std::optional<packet::Packet> packet_of(const Area& area, const std::vector<uint128>& local_shifts, bool martian) {
    const Box& box = area.box;
    packet::Packet packet;
    packet.side = area.plot.side;
    packet.direction = policy::direction_of(area.plot.side, area.plot.hook);
    if (box[kVlan].low > 0) packet.vlan = static_cast<std::uint16_t>(box[kVlan].low);
    if (!area.plot.family) {
        packet.ethertype = static_cast<std::uint16_t>(
            box[kLocalPort].covers({kShortest, kShortest}) ? uint128{kShortest} : box[kLocalPort].low);
        return packet;
    }
    uint128 local = 0, remote = 0;
    if (!area.detail || !pick_addresses(box, local_shifts, martian, local, remote)) return std::nullopt;
    packet.protocol = area.example;
    if (packet.protocol == IPPROTO_TCP) packet.tcp_flags = static_cast<std::uint8_t>(*area.detail);
    if (packet::is_icmp(packet.protocol, *area.plot.family)) {
        packet.icmp_type = static_cast<std::uint8_t>(*area.detail >> 8);
        packet.icmp_code = static_cast<std::uint8_t>(*area.detail);
    }
    constexpr std::uint16_t kServer = 443, kClient = 40000;
    const bool received = area.plot.hook == EDGEFW_RECEIVED;
    std::uint16_t local_port = 0, remote_port = 0;
    if (policy::has_ports(packet.protocol)) {
        local_port = example_port(box[kLocalPort], received ? kServer : kClient);
        remote_port = example_port(box[kRemotePort], received ? kClient : kServer);
    }
    const Address here{*area.plot.family, local}, there{*area.plot.family, remote};
    packet.source = received ? there : here;
    packet.destination = received ? here : there;
    packet.source_port = received ? remote_port : local_port;
    packet.destination_port = received ? local_port : remote_port;
    return packet;
}

}  // namespace edgefw::difference
