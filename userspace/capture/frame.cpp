// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/capture/frame.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "userspace/capture/link_type.h"
#include "userspace/packet/capture_format.h"
#include "userspace/packet/headers.h"

namespace edgefw::capture {
namespace {

using namespace packet;

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetBytes = 14;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kLeastEthertype = 0x0600;

// Made up where the file has none: locally administered, so that no card in the world has them.
constexpr Mac kHere{0x02, 0, 0x5e, 0, 0x53, 2};
constexpr Mac kThere{0x02, 0, 0x5e, 0, 0x53, 1};

std::uint16_t get16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// An IP packet says its own version.
std::optional<std::uint16_t> ethertype_of_ip(Bytes packet) {
    if (packet.empty()) return std::nullopt;
    if (packet[0] >> 4 == 4) return kIpv4;
    if (packet[0] >> 4 == 6) return kIpv6;
    return std::nullopt;
}

// What a cooked header has in place of an Ethernet header.
struct Cooked {
    std::size_t bytes = 0;  // of the header
    std::uint16_t type = 0;
    std::uint16_t hardware = 0;  // ARPHRD_
    std::uint16_t protocol = 0;
    std::uint8_t sender_bytes = 0;
    Bytes sender;
};

Cooked read_cooked(Bytes packet) {
    return {16, get16(packet, 0), get16(packet, 2), get16(packet, 14), packet[5], packet.subspan(6, 6)};
}

Cooked read_cooked2(Bytes packet) {
    return {20, packet[10], get16(packet, 8), get16(packet, 0), packet[11], packet.subspan(12, 6)};
}

// PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST, _OUTGOING
Way way_of_cooked(std::uint16_t type) {
    if (type == 4) return Way::kSent;
    return type < 4 ? Way::kReceived : Way::kUnknown;
}

// The `protocol` of these is no ethertype: FRAD, IPGRE, radiotap, netlink (pcap-linktype(7)).
bool has_ethertype(std::uint16_t hardware) {
    return hardware != 770 && hardware != 778 && hardware != 803 && hardware != 824;
}

void put_ethernet(std::vector<std::uint8_t>& frame, const Mac& to, Bytes from, std::uint16_t type) {
    frame.insert(frame.end(), to.begin(), to.end());
    frame.insert(frame.end(), from.begin(), from.end());
    frame.push_back(static_cast<std::uint8_t>(type >> 8));
    frame.push_back(static_cast<std::uint8_t>(type));
}

// Appends `payload`, and zeros up to what was on the wire. Longer than kMostFrame it is not made: nobody judges it.
Result<Frame> finish(Frame frame, Bytes payload, std::size_t wire_length) {
    const std::size_t whole = frame.bytes.size() + wire_length;
    if (whole > kMostFrame) return failed("it is longer than " + std::to_string(kMostFrame) + " bytes");
    frame.bytes.reserve(whole);
    frame.bytes.insert(frame.bytes.end(), payload.begin(), payload.end());
    frame.filled_up = frame.bytes.size() < whole;
    frame.bytes.resize(whole);
    return frame;
}

Result<Frame> frame_of_ip(const Record& record) {
    const auto type = ethertype_of_ip(record.bytes);
    if (!type) return failed("it is no IP packet");
    Frame frame;
    frame.way = record.way;
    put_ethernet(frame.bytes, kHere, kThere, *type);
    return finish(std::move(frame), record.bytes, record.wire_length);
}

Result<Frame> frame_of_cooked(const Record& record) {
    const bool second = record.link == kLinkCooked2;
    const std::size_t head = second ? 20 : 16;
    if (record.bytes.size() < head) return failed("its cooked header is cut off");
    const Cooked cooked = second ? read_cooked2(record.bytes) : read_cooked(record.bytes);
    if (!has_ethertype(cooked.hardware)) return failed("it has no Ethernet frame");
    const std::size_t wire_length = record.wire_length - head;
    std::uint16_t type = cooked.protocol;
    if (type == 4 && wire_length < kLeastEthertype)
        type = static_cast<std::uint16_t>(wire_length);  // IEEE 802.2
    else if (type < kLeastEthertype)
        return failed("it has no Ethernet frame");
    Frame frame;
    frame.way = record.way != Way::kUnknown ? record.way : way_of_cooked(cooked.type);
    put_ethernet(frame.bytes, kHere, cooked.sender_bytes == 6 ? cooked.sender : Bytes(kThere), type);
    return finish(std::move(frame), Bytes(record.bytes).subspan(head), wire_length);
}

struct Ends {
    Address source;
    Address destination;
};

// Of IPv4, IPv6, and ARP for IPv4.
std::optional<Ends> ends_of(const std::vector<std::uint8_t>& frame) {
    const Headers headers = headers_of(frame, true);
    if (headers.source && headers.destination) return Ends{*headers.source, *headers.destination};
    if (headers.ethertype != kArp) return std::nullopt;
    constexpr std::size_t kTag = 4, kBody = 28;
    std::size_t at = kEthernetBytes;  // ARP's type stands right before its body, behind two tags at most
    while (at < kEthernetBytes + 2 * kTag && frame.size() >= at && get16(frame, at - 2) != kArp)
        at += kTag;
    if (frame.size() < at + kBody || get16(frame, at + 2) != kIpv4 || frame[at + 4] != 6) return std::nullopt;
    return Ends{Address::from_bytes(Family::kIpv4, frame.data() + at + 14),
                Address::from_bytes(Family::kIpv4, frame.data() + at + 24)};
}

std::optional<Mac> parse_mac(std::string_view text) {
    Mac mac;
    if (text.size() != 17) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* first = text.data() + 3 * i;
        if (i > 0 && first[-1] != ':' && first[-1] != '-') return std::nullopt;
        const auto [end, problem] = std::from_chars(first, first + 2, mac[i], 16);
        if (problem != std::errc() || end != first + 2) return std::nullopt;
    }
    return mac;
}

}  // namespace

Result<Frame> frame_of(const Record& record) {
    switch (record.link) {
        case kLinkEthernet:
            return finish({{}, record.way}, record.bytes, record.wire_length);
        case kLinkRaw:
        case kLinkRawOfLinux:
        case kLinkIpv4:
        case kLinkIpv6:
            return frame_of_ip(record);
        case kLinkCooked:
        case kLinkCooked2:
            return frame_of_cooked(record);
        default:
            return failed("link type " + link_name(record.link) + " is not read");
    }
}

Result<Locals> Locals::parse(const std::vector<std::string>& texts) {
    Locals locals;
    for (const std::string& text : texts) {
        std::string why;
        if (const auto mac = parse_mac(text)) {
            locals.macs_.push_back(*mac);
        } else if (const auto range = AddressRange::parse(text, &why)) {
            locals.networks_.push_back(*range);
        } else {
            return Error{ErrorKind::kUsage, "--local " + text + ": " + why +
                                                "; give a network such as 192.0.2.0/24, an address, or a MAC address "
                                                "such as 52:54:00:12:34:56"};
        }
    }
    return locals;
}

bool Locals::holds(std::span<const std::uint8_t> mac) const {
    return std::any_of(macs_.begin(), macs_.end(),
                       [&](const Mac& known) { return std::equal(known.begin(), known.end(), mac.begin()); });
}

bool Locals::holds(const Address& address) const {
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const AddressRange& range) { return range.contains(AddressRange::single(address)); });
}

Way Locals::way_of(const std::vector<std::uint8_t>& bytes) const {
    const Bytes frame(bytes);
    if (empty() || frame.size() < kEthernetBytes) return Way::kUnknown;
    const bool mac_sent = holds(frame.subspan(6, 6));
    const bool mac_received = holds(frame.subspan(0, 6));
    if (mac_sent != mac_received) return mac_sent ? Way::kSent : Way::kReceived;
    const auto ends = ends_of(bytes);
    const bool sent = ends && holds(ends->source);
    const bool received = ends && holds(ends->destination);
    if (sent != received) return sent ? Way::kSent : Way::kReceived;
    const bool to_group = (frame[0] & 1) != 0;
    return to_group && !sent && !mac_sent ? Way::kReceived : Way::kUnknown;
}

}  // namespace edgefw::capture
