// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/packet/notation.h"

#include <netinet/in.h>

#include "userspace/language/ethertype.h"
#include "userspace/language/icmp.h"
#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::packet {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::uint16_t kShortestPayload = 46;  // of an Ethernet frame: what a length in place of a type says
constexpr const char* kForm =
    "SIDE DIRECTION PROTO SRC[:PORT] > DST[:PORT] [FLAGS or TYPE] [id N] [vlan N], as in"
    " 'external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn'";

struct Endpoint {
    Address address;
    std::uint16_t port = 0;
};

Error usage(std::string message) {
    return {ErrorKind::kUsage, std::move(message)};
}

std::string quoted(std::string_view word) {
    return "'" + std::string(word) + "'";
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    std::size_t start = text.find_first_not_of(kSpace);
    while (start != std::string_view::npos) {
        const std::size_t end = text.find_first_of(kSpace, start);
        words.push_back(text.substr(start, end - start));
        start = text.find_first_not_of(kSpace, end);
    }
    return words;
}

// The two parts of "ADDR", "ADDR:PORT", "[ADDR]" and "[ADDR]:PORT".
struct EndpointText {
    std::string_view address;
    std::optional<std::string_view> port;
};

Result<EndpointText> split_endpoint(std::string_view word) {
    if (!word.starts_with('[')) {
        const std::size_t colon = word.find(':');
        const bool one_colon = colon != std::string_view::npos && colon == word.rfind(':');
        if (!one_colon) return EndpointText{word, std::nullopt};
        return EndpointText{word.substr(0, colon), word.substr(colon + 1)};
    }
    const std::size_t close = word.find(']');
    if (close == std::string_view::npos) {
        return usage(quoted(word) + " lacks its ']': write [2001:db8::1] or [2001:db8::1]:443");
    }
    const std::string_view address = word.substr(1, close - 1);
    const std::string_view rest = word.substr(close + 1);
    if (rest.empty()) return EndpointText{address, std::nullopt};
    if (!rest.starts_with(':')) {
        return usage(quoted(word) + " has " + quoted(rest) + " after its ']': only a colon and a port may follow");
    }
    return EndpointText{address, rest.substr(1)};
}

std::string lacks_port(std::string_view word, std::uint8_t protocol) {
    const bool bare_ipv6 = !word.starts_with('[') && word.find(':') != std::string_view::npos;
    return quoted(word) + " lacks its port: " + policy::protocol_text(protocol) + " wants " +
           (bare_ipv6 ? "[IPv6 address]:PORT, in brackets" : std::string(word) + ":PORT");
}

Result<Endpoint> parse_endpoint(std::string_view word, std::uint8_t protocol) {
    const Result<EndpointText> parts = split_endpoint(word);
    if (!parts) return parts.error();
    const auto address = Address::parse(parts->address);
    if (!address) {
        return usage(quoted(parts->address) + " is no address: write one like 192.0.2.1 or 2001:db8::1");
    }
    if (!policy::has_ports(protocol)) {
        if (!parts->port) return Endpoint{*address, 0};
        return usage("protocol " + policy::protocol_text(protocol) + " has no ports: write " + quoted(parts->address) +
                     " alone");
    }
    if (!parts->port) return usage(lacks_port(word, protocol));
    const auto port = number_from(*parts->port, 65535);
    if (!port) return usage(quoted(*parts->port) + " is no port: write a number from 0 to 65535");
    return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

Result<Ok> parse_side(std::string_view word, Packet& packet) {
    const auto side = policy::value_of(word, policy::kSides);
    if (!side) return usage(quoted(word) + " is no side: a packet begins with external or internal");
    packet.side = *side;
    return Ok{};
}

Result<Ok> parse_direction(std::string_view word, Packet& packet) {
    const auto direction = policy::value_of(word, policy::kDirections);
    if (!direction || direction == policy::Direction::kBoth)
        return usage(quoted(word) + " is no direction of a packet: write inbound or outbound");
    packet.direction = *direction;
    return Ok{};
}

Result<Ok> parse_protocol(std::string_view word, Packet& packet) {
    const auto protocol = protocol_from(word);
    if (!protocol) {
        return usage(quoted(word) +
                     " is no protocol: write tcp, udp, sctp, dccp, udp-lite, icmp, icmp6 or a number from 0 to 255");
    }
    packet.protocol = *protocol;
    return Ok{};
}

Result<Ok> parse_ends(std::string_view source, std::string_view destination, Packet& packet) {
    const Result<Endpoint> from = parse_endpoint(source, packet.protocol);
    if (!from) return from.error();
    const Result<Endpoint> to = parse_endpoint(destination, packet.protocol);
    if (!to) return to.error();
    if (from->address.family != to->address.family) {
        return usage(from->address.to_text() + " and " + to->address.to_text() +
                     " are of different families: a packet has two IPv4 or two IPv6 addresses");
    }
    packet.source = from->address;
    packet.destination = to->address;
    packet.source_port = from->port;
    packet.destination_port = to->port;
    return Ok{};
}

Result<Ok> parse_icmp(std::string_view word, Packet& packet) {
    const std::size_t slash = word.find('/');
    const std::string_view type_word = word.substr(0, slash);
    auto type = policy::icmp_type(packet.protocol, type_word);
    if (!type) {
        if (const auto number = number_from(type_word, 255)) type = *number;
    }
    std::optional<std::uint32_t> code = 0;
    if (slash != std::string_view::npos) code = number_from(word.substr(slash + 1), 255);
    if (!type || !code) {
        return usage(quoted(word) + " is no " + policy::protocol_text(packet.protocol) +
                     " type: write a name such as echo-request, TYPE or TYPE/CODE, as in 3/4");
    }
    packet.icmp_type = *type;
    packet.icmp_code = static_cast<std::uint8_t>(*code);
    return Ok{};
}

Result<Ok> parse_detail(std::string_view word, Packet& packet) {
    if (packet.protocol == IPPROTO_TCP) {
        const auto flags = tcp_flags_from(word);
        if (!flags) {
            return usage(quoted(word) +
                         " names no TCP flags: join fin, syn, rst, psh, ack, urg, ece, cwr with"
                         " commas, or write none");
        }
        packet.tcp_flags = *flags;
        return Ok{};
    }
    if (is_icmp(packet.protocol, packet.source.family)) return parse_icmp(word, packet);
    return usage(quoted(word) + " is too much: after the destination of a " + policy::protocol_text(packet.protocol) +
                 " packet only 'vlan N' may follow");
}

Result<Ok> parse_vlan(std::string_view word, Packet& packet) {
    const auto id = number_from(word, 4094);
    if (!id) return usage(quoted(word) + " is no VLAN id: write a number from 0 to 4094");
    packet.vlan = static_cast<std::uint16_t>(*id);
    return Ok{};
}

bool is_echo(const Packet& packet) {
    const bool ipv4 = packet.protocol == IPPROTO_ICMP;
    return is_icmp(packet.protocol, packet.source.family) &&
           (packet.icmp_type == (ipv4 ? 8 : 128) || packet.icmp_type == (ipv4 ? 0 : 129));
}

Result<Ok> parse_id(std::string_view word, Packet& packet) {
    const auto id = number_from(word, 65535);
    if (!id) return usage(quoted(word) + " is no identifier of an echo: write a number from 0 to 65535");
    packet.icmp_id = static_cast<std::uint16_t>(*id);
    return Ok{};
}

using Words = std::vector<std::string_view>;

// What follows the destination: at most one detail, one identifier and one tag.
Result<Ok> parse_tail(const Words& words, std::size_t next, Packet& packet) {
    bool has_detail = false, has_id = false;
    while (next < words.size()) {
        Result<Ok> done = Ok{};
        if (words[next] == "vlan") {
            if (packet.vlan) return usage("a second 'vlan' in one packet");
            if (next + 1 == words.size()) return usage("'vlan' lacks its number");
            done = parse_vlan(words[next + 1], packet);
            next += 2;
        } else if (words[next] == "id") {
            if (has_id) return usage("a second 'id' in one packet");
            if (next + 1 == words.size()) return usage("'id' lacks its number");
            done = parse_id(words[next + 1], packet);
            has_id = true;
            next += 2;
        } else {
            if (has_detail) return usage(quoted(words[next]) + " is too much at the end");
            done = parse_detail(words[next], packet);
            has_detail = true;
            ++next;
        }
        if (!done) return done.error();
    }
    if (is_icmp(packet.protocol, packet.source.family) && !has_detail) {
        return usage("an " + policy::protocol_text(packet.protocol) +
                     " packet wants its type: add echo-request, TYPE or TYPE/CODE");
    }
    if (has_id && !is_echo(packet)) return usage("'id' is for echo-request and echo-reply alone");
    return Ok{};
}

Result<Ok> parse_ethertype(std::string_view word, Packet& packet) {
    const auto range = policy::ethertype_from(word);
    if (!range) {
        return usage(quoted(word) + " is no ethertype: write a number such as 0x88b5, or a name such as macsec");
    }
    const std::string_view problem = policy::ethertype_problem(*range);
    if (!problem.empty()) return usage("the ethertype " + quoted(word) + " " + std::string(problem));
    packet.ethertype = range->first == range->last ? range->first : kShortestPayload;
    return Ok{};
}

// A frame that is not IP: its ethertype and its tag.
Result<Packet> parse_link(const Words& words, Packet packet) {
    if (auto done = parse_ethertype(words[3], packet); !done) return done.error();
    if (words.size() == 4) return packet;
    if (words.size() != 6 || words[4] != "vlan") {
        return usage("after the ethertype only 'vlan N' may follow");
    }
    if (auto done = parse_vlan(words[5], packet); !done) return done.error();
    return packet;
}

// ICMP by its name in the wrong family is a slip of the pen; by its number it is meant.
Result<Ok> check_family(std::string_view protocol_word, const Packet& packet) {
    const bool ipv4 = packet.source.family == Family::kIpv4;
    if (protocol_word == "icmp" && !ipv4) return usage("icmp is IPv4's: for IPv6 write icmp6");
    if (protocol_word == "icmp6" && ipv4) return usage("icmp6 is IPv6's: for IPv4 write icmp");
    return Ok{};
}

std::string icmp_text(const Packet& packet) {
    const std::string_view name = policy::icmp_name(packet.protocol, packet.icmp_type);
    if (!name.empty() && packet.icmp_code == 0) return std::string(name);
    return std::to_string(packet.icmp_type) + "/" + std::to_string(packet.icmp_code);
}

}  // namespace

std::string endpoint_text(const Address& address, std::uint16_t port, std::uint8_t protocol) {
    if (!policy::has_ports(protocol)) return address.to_text();
    const std::string text = address.to_text();
    const bool brackets = address.family == Family::kIpv6;
    return (brackets ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

Result<Packet> parse(std::string_view text) {
    const Words words = split(text);
    const bool of_link = words.size() >= 4 && words[2] == "ethertype";
    if (words.size() < 6 && !of_link) {
        return usage(quoted(text) + " is no packet: write (in quotes) " + kForm);
    }
    Packet packet;
    if (auto done = parse_side(words[0], packet); !done) return done.error();
    if (auto done = parse_direction(words[1], packet); !done) return done.error();
    if (of_link) return parse_link(words, packet);
    if (auto done = parse_protocol(words[2], packet); !done) return done.error();
    if (words[4] != ">") {
        return usage(quoted(words[4]) + " stands where '>' belongs: a packet is " + kForm);
    }
    if (auto done = parse_ends(words[3], words[5], packet); !done) return done.error();
    if (auto done = check_family(words[2], packet); !done) return done.error();
    if (auto done = parse_tail(words, 6, packet); !done) return done.error();
    return packet;
}

std::string Packet::to_text() const {
    if (ethertype) {
        return std::string(policy::to_text(side)) + " " + policy::to_text(direction) + " ethertype " +
               policy::to_text(policy::EthertypeRange{*ethertype, *ethertype}) +
               (vlan ? " vlan " + std::to_string(*vlan) : "");
    }
    const bool named_icmp = is_icmp(protocol, source.family);
    const bool foreign_icmp = !named_icmp && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
    std::string text = std::string(policy::to_text(side)) + " " + policy::to_text(direction) + " " +
                       (foreign_icmp ? std::to_string(protocol) : policy::protocol_text(protocol)) + " " +
                       endpoint_text(source, source_port, protocol) + " > " +
                       endpoint_text(destination, destination_port, protocol);
    if (protocol == IPPROTO_TCP) text += " " + tcp_flags_text(tcp_flags);
    if (named_icmp) text += " " + icmp_text(*this);
    if (is_echo(*this) && icmp_id != 0) text += " id " + std::to_string(icmp_id);
    if (vlan) text += " vlan " + std::to_string(*vlan);
    return text;
}

}  // namespace edgefw::packet
