// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check_nat.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/language/ids.h"
#include "userspace/language/keys.h"
#include "userspace/language/values.h"

namespace edgefw::policy {
namespace {

// What `type:` may say: a hairpin is written within another entry.
constexpr std::array<Word<NatKind>, 4> kTypes{{{"port-forward", NatKind::kPortForward},
                                               {"static", NatKind::kStatic},
                                               {"masquerade", NatKind::kMasquerade},
                                               {"mapped", NatKind::kMapped}}};
constexpr std::array<Word<std::uint8_t>, 2> kForwarded{{{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}}};

// What to do about a list of ports.
constexpr std::string_view kEntryForEach = "write one entry for each range";
constexpr std::string_view kOneRange = "a masquerade has one range";

// What an entry of a type has, beside name, type and description.
constexpr auto kPortForwardKeys =
    std::to_array<std::string_view>({"side", "protocol", "public", "public_port", "to", "to_port", "hairpin"});
constexpr auto kStaticKeys = std::to_array<std::string_view>({"side", "public", "to", "hairpin"});
constexpr auto kMasqueradeKeys =
    std::to_array<std::string_view>({"side", "protocol", "from", "to", "as", "ports", "keep_parity"});
constexpr auto kMappedKeys =
    std::to_array<std::string_view>({"protocol", "public", "map", "to_port", "from", "as", "ports"});

std::span<const std::string_view> keys_of(NatKind type) {
    switch (type) {
        case NatKind::kPortForward:
            return kPortForwardKeys;
        case NatKind::kStatic:
            return kStaticKeys;
        case NatKind::kMasquerade:
            return kMasqueradeKeys;
        default:
            return kMappedKeys;
    }
}

void refuse_ipv6(const Node& node, Diagnostics& diagnostics) {
    diagnostics.error(node, "NAT is for IPv4; '" + node.text + "' is IPv6, which needs no NAT: pass it by a rule");
}

std::optional<Address> read_ipv4(const Node* node, Diagnostics& diagnostics) {
    const auto address = node == nullptr ? std::nullopt : read_host(*node, diagnostics);
    if (!address) return std::nullopt;
    const uint128 high = address->value >> 24;  // 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0 and above: no host has these
    if (address->family == Family::kIpv4 && (high == 0 || high == 127 || high >= 224)) {
        diagnostics.error(*node, "'" + node->text + "' can be no host's address; write the address of a card");
        return std::nullopt;
    }
    if (address->family == Family::kIpv4) return address;
    refuse_ipv6(*node, diagnostics);
    return std::nullopt;
}

std::uint16_t read_port(const Node* node, Diagnostics& diagnostics) {
    if (node == nullptr) return 0;
    return static_cast<std::uint16_t>(read_number(*node, {1, 65535}, "a port", diagnostics).value_or(0));
}

// 1 to 65535.
std::optional<std::uint16_t> port_in(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && stop == end && port > 0 ? std::optional(port) : std::nullopt;
}

// A port or a range, or a list of one of them. `several` says what to do about a list of more.
std::optional<PortRange> read_port_range(const Node* node, std::string_view several, Diagnostics& diagnostics) {
    if (node == nullptr) return std::nullopt;
    const auto items = one_or_several(*node);
    if (items.size() != 1 || !items[0].is_scalar()) {
        diagnostics.error(*node, describe(*node) + " is not a port or a range first-last; " + std::string(several));
        return std::nullopt;
    }
    const Node& item = items[0];
    const std::string_view text = item.text;
    const auto dash = text.find('-');
    const auto first = port_in(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : port_in(text.substr(dash + 1));
    if (first && last && *first <= *last) return PortRange{*first, *last};
    if (first && last) {
        diagnostics.error(item, "the port range " + describe(item) + " ends before it starts; write " +
                                    to_text(PortRange{*last, *first}));
    } else {
        diagnostics.error(item, describe(item) + " is not a port or a range; write 1 to 65535, or first-last");
    }
    return std::nullopt;
}

// The IP protocol of a masquerade.
std::optional<std::uint8_t> read_masqueraded(const Node& node, Diagnostics& diagnostics) {
    Diagnostics of_rules;  // they have IPv6, too
    const auto protocol = read_protocol(node, of_rules);
    if (!protocol) {
        diagnostics.error(node, describe(node) +
                                    " is not a protocol of a masquerade; write tcp, udp, sctp, dccp, udp-lite, icmp, "
                                    "any, or a number from 0 to 255");
    } else if (*protocol == IPPROTO_ICMPV6) {
        diagnostics.error(
            node, "NAT is for IPv4; " + describe(node) + " is ICMP of IPv6, which needs no NAT: pass it by a rule");
    }
    return protocol;
}

std::vector<std::uint8_t> read_protocols(const Node* node, Diagnostics& diagnostics) {
    std::vector<std::uint8_t> protocols;
    if (node == nullptr) return protocols;
    const auto items = one_or_several(*node);
    if (items.empty()) diagnostics.error(*node, "the list of protocols is empty; write tcp, udp or [tcp, udp]");
    for (const Node& item : items) {
        if (const auto protocol = read_word(item, kForwarded, "a protocol of a port forward", diagnostics)) {
            protocols.push_back(*protocol);
        }
    }
    return protocols;
}

std::vector<AddressRange> read_networks(const Node* node, Diagnostics& diagnostics) {
    std::vector<AddressRange> networks;
    if (node == nullptr) return networks;
    const std::size_t errors_before = diagnostics.errors();
    for (const Node& item : one_or_several(*node)) {
        if (is_any(item)) {
            diagnostics.error(item, "a masquerade names networks, and `any` is none; write 0.0.0.0/0 for all");
            continue;
        }
        const auto range = read_address_range(item, diagnostics);
        if (!range) continue;
        if (range->first.family == Family::kIpv4)
            networks.push_back(*range);
        else
            refuse_ipv6(item, diagnostics);
    }
    if (networks.empty() && diagnostics.errors() == errors_before)
        diagnostics.error(*node, "the list of networks is empty; write a prefix such as 192.168.1.0/24");
    return merge(networks);
}

// One entry of `nat:`.
class NatEntry {
public:
    NatEntry(const Item& item, const Fields& fields, Nat& nat, Diagnostics& diagnostics)
        : item_(item), fields_(fields), nat_(nat), diagnostics_(diagnostics) {}

    void check() {
        const std::size_t errors_before = diagnostics_.errors();
        name_ = name();
        const Node* type = fields_.need("type");
        const auto found = type == nullptr ? std::nullopt : read_word(*type, kTypes, "a type of NAT", diagnostics_);
        if (!found) return;
        refuse_other_keys(*found, type->text);
        switch (*found) {
            case NatKind::kPortForward:
                port_forward();
                break;
            case NatKind::kStatic:
                static_entry();
                break;
            case NatKind::kMasquerade:
                masquerade();
                break;
            case NatKind::kMapped:
                mapped();
                break;
            case NatKind::kHairpin:  // a key of a forward, no type that is written
                break;
        }
        if (diagnostics_.errors() != errors_before) nat_ = {};
    }

private:
    std::string name() {
        const Node* name = fields_.need("name");
        if (name == nullptr) return "";
        const std::string id = item_.prefix + read_text(*name, "a name", diagnostics_);
        const auto problem = name->is_scalar() ? id_problem(id) : std::nullopt;
        if (problem) diagnostics_.error(*name, *problem);
        return id;
    }

    void refuse_other_keys(NatKind type, const std::string& word) {
        for (const std::string_view key : kNatKeys) {
            const Node* value = fields_.find(key);
            const auto keys = keys_of(type);
            const bool common = key == "name" || key == "type" || key == "description";
            if (value == nullptr || common || std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
            diagnostics_.error(*value, "an entry of type " + word + " has no `" + std::string(key) + ":`; remove it");
        }
    }

    Side side() {
        const Node* node = fields_.find("side");
        if (node == nullptr) return Side::kExternal;
        return read_word(*node, kSides, "a side", diagnostics_).value_or(Side::kExternal);
    }

    // Both ends of a forward. Nothing where they cannot be read.
    std::optional<Forward> ends() {
        Forward forward;
        forward.id = name_;
        forward.origin = item_.origin;
        forward.where = item_.where;
        forward.sides = bit_of(side());
        const auto public_address = read_ipv4(fields_.need("public"), diagnostics_);
        const auto target = read_ipv4(fields_.need("to"), diagnostics_);
        if (!public_address || !target) return std::nullopt;
        forward.public_address = *public_address;
        forward.target = *target;
        if (*public_address != *target) return forward;
        diagnostics_.error(*fields_.find("to"),
                           "the target is the public address itself; name the address of the server behind it");
        return std::nullopt;
    }

    void port_forward() {
        const auto protocols = read_protocols(fields_.need("protocol"), diagnostics_);
        const auto ports = read_port_range(fields_.need("public_port"), kEntryForEach, diagnostics_);
        auto forward = ends();
        const Node* to_port = fields_.find("to_port");
        if (!ports || !forward) return;
        const auto target = to_port == nullptr ? ports : target_ports(*to_port, *ports);
        if (!target) return;
        forward->public_port = ports->first;
        forward->target_port = target->first;
        forward->ports = static_cast<std::uint16_t>(ports->last - ports->first + 1);
        for (const std::uint8_t protocol : protocols) {
            Forward one = *forward;
            one.protocol = protocol;
            if (protocols.size() > 1) one.id += "/" + protocol_text(protocol);
            hairpin(one, protocol);
            nat_.forwards.push_back(std::move(one));
        }
    }

    // As many as there are public ports: written as a range, or by the first of them.
    std::optional<PortRange> target_ports(const Node& node, const PortRange& ports) {
        const auto target = read_port_range(&node, kEntryForEach, diagnostics_);
        if (!target) return std::nullopt;
        const std::uint32_t count = ports.last - ports.first;
        const Node& written = node.items.size() == 1 ? node.items[0] : node;
        const bool is_range = written.text.find('-') != std::string::npos;  // 80-80 is one, and 80 is none
        if (is_range && target->last - target->first != static_cast<int>(count)) {
            diagnostics_.error(node, "there are " + std::to_string(count + 1) + " public ports and " +
                                         std::to_string(target->last - target->first + 1) +
                                         " of the target; write as many, or the first one alone");
            return std::nullopt;
        }
        if (target->first + count > 65535) {
            diagnostics_.error(node, "a range of " + std::to_string(count + 1) + " ports from " +
                                         std::to_string(target->first) + " on ends beyond 65535");
            return std::nullopt;
        }
        return PortRange{target->first, static_cast<std::uint16_t>(target->first + count)};
    }

    void static_entry() {
        auto forward = ends();
        if (!forward) return;
        forward->kind = NatKind::kStatic;
        forward->ports = 0;
        hairpin(*forward, std::nullopt);
        nat_.forwards.push_back(std::move(*forward));
    }

    void masquerade() {
        Masquerade entry = source(item_.where, fields_.need("from"), fields_.need("as"), fields_.find("ports"));
        entry.id = name_;
        entry.side = side();
        if (const Node* to = fields_.find("to"); to != nullptr && !is_any(*to))
            entry.to = read_networks(to, diagnostics_);
        if (const Node* protocol = fields_.find("protocol"); protocol != nullptr && !is_any(*protocol))
            entry.protocol = read_masqueraded(*protocol, diagnostics_);
        if (const Node* parity = fields_.find("keep_parity"))
            entry.keeps_parity = read_word(*parity, kSwitches, "a switch", diagnostics_).value_or(false);
        if (entry.keeps_parity && entry.ports.first == entry.ports.last) {
            diagnostics_.error(*fields_.find("keep_parity"), "one port is even or odd; `ports:` needs two at least");
        }
        if (entry.keeps_parity && entry.protocol && *entry.protocol != IPPROTO_UDP) {
            diagnostics_.error(*fields_.find("keep_parity"), "`keep_parity` is for UDP, and this masquerade is for " +
                                                                 protocol_text(*entry.protocol) +
                                                                 "; remove it, or write `protocol: udp`");
        }
        nat_.masquerades.push_back(std::move(entry));
    }

    Masquerade source(const Location& where, const Node* from, const Node* as, const Node* ports) {
        Masquerade entry;
        entry.origin = item_.origin;
        entry.where = where;
        entry.from = read_networks(from, diagnostics_);
        entry.public_address = read_ipv4(as, diagnostics_).value_or(Address{});
        entry.ports = kMasqueradePorts;
        if (ports != nullptr) entry.ports = read_port_range(ports, kOneRange, diagnostics_).value_or(PortRange{});
        return entry;
    }

    // Who is inside with the server and uses the public address: translated on internal cards, too; and what then goes
    // out there to the server comes from the firewall, or the server would answer to the client directly.
    void hairpin(Forward& forward, std::optional<std::uint8_t> protocol) {
        const Node* node = fields_.find("hairpin");
        if (node == nullptr) return;
        const Fields fields(*node, kHairpinKeys, "a hairpin", diagnostics_);
        if (!fields.is_map()) return;
        forward.sides = bit_of(Side::kExternal) | bit_of(Side::kInternal);
        Masquerade entry = source(node->where(), fields.need("from"), fields.need("as"), fields.find("ports"));
        entry.kind = NatKind::kHairpin;
        entry.id = forward.id + "/hairpin";
        entry.forward = forward.id;
        entry.side = Side::kInternal;
        entry.to = {AddressRange::single(forward.target)};
        entry.protocol = protocol;
        if (forward.ports == 1) entry.remote_port = forward.target_port;
        nat_.masquerades.push_back(std::move(entry));
    }

    // A proxy by ports (online backup, section 8): each port of the firewall's inside address leads to one server
    // outside, and the server sees the firewall.
    void mapped() {
        const auto protocols = read_protocols(fields_.need("protocol"), diagnostics_);
        const auto inside = read_ipv4(fields_.need("public"), diagnostics_);
        const auto to_port = read_port(fields_.need("to_port"), diagnostics_);
        const Node* map = fields_.need("map");
        Masquerade entry = source(item_.where, fields_.need("from"), fields_.need("as"), fields_.find("ports"));
        if (map == nullptr || !inside) return;
        if (!map->is_map() || map->items.empty()) {
            diagnostics_.error(*map, "`map:` gives each port of the firewall its server; write {9001: 192.0.2.1}");
            return;
        }
        if (protocols.size() != 1) {
            const Node* protocol = fields_.find("protocol");  // missing: said already
            if (protocol != nullptr) diagnostics_.error(*protocol, "a mapped entry has one protocol; write tcp or udp");
            return;
        }
        entry.kind = NatKind::kMapped;
        entry.id = name_ + "/masquerade";
        entry.protocol = protocols[0];
        entry.remote_port = to_port;
        for (std::size_t i = 0; i + 1 < map->items.size(); i += 2) {
            const Node& port = map->items[i];
            Forward forward;
            forward.kind = NatKind::kMapped;
            forward.id = name_ + "/" + port.text;
            forward.origin = item_.origin;
            forward.where = port.where();
            forward.sides = bit_of(Side::kInternal);
            forward.protocol = protocols[0];
            forward.public_address = *inside;
            forward.public_port = read_port(&port, diagnostics_);
            forward.target = read_ipv4(&map->items[i + 1], diagnostics_).value_or(Address{});
            forward.target_port = to_port;
            entry.to.push_back(AddressRange::single(forward.target));
            nat_.forwards.push_back(std::move(forward));
        }
        entry.to = merge(entry.to);
        nat_.masquerades.push_back(std::move(entry));
    }

    const Item& item_;
    const Fields& fields_;
    Nat& nat_;
    Diagnostics& diagnostics_;
    std::string name_;
};

}  // namespace

Nat check_nat(const Item& item, Diagnostics& diagnostics) {
    const auto keys = item.origin.profile.empty() ? std::span<const std::string_view>(kNatKeys)
                                                  : std::span<const std::string_view>(kProfileNatKeys);
    Nat nat;
    const Fields fields(*item.node, keys, "a NAT entry", diagnostics);
    if (fields.is_map()) NatEntry(item, fields, nat, diagnostics).check();
    return nat;
}

}  // namespace edgefw::policy
