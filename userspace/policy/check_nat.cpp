#include "userspace/policy/check_nat.h"

#include <netinet/in.h>

#include <algorithm>
#include <map>

#include "maps/limits.h"
#include "userspace/policy/addresses.h"
#include "userspace/policy/fields.h"
#include "userspace/policy/ids.h"
#include "userspace/policy/keys.h"
#include "userspace/policy/values.h"

namespace edgefw::policy {
namespace {

enum class Type { kPortForward, kStatic, kMasquerade, kMapped };

constexpr std::array<Word<Type>, 4> kTypes{{{"port-forward", Type::kPortForward},
                                            {"static", Type::kStatic},
                                            {"masquerade", Type::kMasquerade},
                                            {"mapped", Type::kMapped}}};
constexpr std::array<Word<std::uint8_t>, 2> kForwarded{{{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}}};
constexpr std::size_t kMaxEntries = EDGEFW_SLOT_FIRST_RULE - EDGEFW_SLOT_FIRST_NAT;
constexpr std::size_t kMaxPairs = EDGEFW_MAX_MASQUERADES;
constexpr std::size_t kMaxPorts = 131072;  // of all port forwards: two tables of them fit the compiler's buckets

// Where Linux by default takes no ports for its own connections (net.ipv4.ip_local_port_range ends at 60999).
constexpr PortRange kMasqueradePorts{61000, 65535};

// What an entry of a type has, beside name, type and description.
constexpr auto kPortForwardKeys =
    std::to_array<std::string_view>({"side", "protocol", "public", "public_port", "to", "to_port", "hairpin"});
constexpr auto kStaticKeys = std::to_array<std::string_view>({"side", "public", "to", "hairpin"});
constexpr auto kMasqueradeKeys =
    std::to_array<std::string_view>({"side", "protocol", "from", "to", "as", "ports", "keep_parity"});
constexpr auto kMappedKeys =
    std::to_array<std::string_view>({"protocol", "public", "map", "to_port", "from", "as", "ports"});

std::span<const std::string_view> keys_of(Type type) {
    switch (type) {
        case Type::kPortForward:
            return kPortForwardKeys;
        case Type::kStatic:
            return kStaticKeys;
        case Type::kMasquerade:
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

// A port or a range, not a list.
std::optional<PortRange> read_port_range(const Node* node, Diagnostics& diagnostics) {
    if (node == nullptr) return std::nullopt;
    const std::size_t errors_before = diagnostics.errors();
    const auto ports = read_ports(*node, diagnostics);
    if (diagnostics.errors() != errors_before) return std::nullopt;
    if (ports.size() == 1 && ports[0].first > 0) return ports[0];
    diagnostics.error(*node, describe(*node) + " is not a port or a range first-last; write one entry for each range");
    return std::nullopt;
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

std::string end_text(const Address& address, std::uint16_t port, std::uint8_t protocol) {
    return protocol_text(protocol) + " " + address.to_text() + ":" + std::to_string(port);
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
            case Type::kPortForward:
                port_forward();
                break;
            case Type::kStatic:
                static_entry();
                break;
            case Type::kMasquerade:
                masquerade();
                break;
            case Type::kMapped:
                mapped();
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

    void refuse_other_keys(Type type, const std::string& word) {
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
        const auto ports = read_port_range(fields_.need("public_port"), diagnostics_);
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
        const auto target = read_port_range(&node, diagnostics_);
        if (!target) return std::nullopt;
        const std::uint32_t count = ports.last - ports.first;
        if (target->first != target->last && target->last - target->first != static_cast<int>(count)) {
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
            entry.protocol = read_protocol(*protocol, diagnostics_);
        if (const Node* parity = fields_.find("keep_parity"))
            entry.keeps_parity = read_word(*parity, kSwitches, "a switch", diagnostics_).value_or(false);
        if (entry.keeps_parity && entry.ports.first == entry.ports.last) {
            diagnostics_.error(*fields_.find("keep_parity"), "one port is even or odd; `ports:` needs two at least");
        }
        nat_.masquerades.push_back(std::move(entry));
    }

    Masquerade source(const Location& where, const Node* from, const Node* as, const Node* ports) {
        Masquerade entry;
        entry.origin = item_.origin;
        entry.where = where;
        entry.from = read_networks(from, diagnostics_);
        entry.public_address = read_ipv4(as, diagnostics_).value_or(Address{});
        entry.ports = ports == nullptr ? kMasqueradePorts : read_port_range(ports, diagnostics_).value_or(PortRange{});
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
        entry.id = forward.id + "/hairpin";
        entry.of_forward = true;
        entry.side = Side::kInternal;
        entry.to = {AddressRange::host(forward.target)};
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
            diagnostics_.error(*fields_.find("protocol"), "a mapped entry has one protocol; write tcp or udp");
            return;
        }
        entry.id = name_ + "/masquerade";
        entry.of_forward = true;
        entry.protocol = protocols[0];
        entry.remote_port = to_port;
        for (std::size_t i = 0; i + 1 < map->items.size(); i += 2) {
            const Node& port = map->items[i];
            Forward forward;
            forward.id = name_ + "/" + port.text;
            forward.origin = item_.origin;
            forward.where = port.where();
            forward.sides = bit_of(Side::kInternal);
            forward.protocol = protocols[0];
            forward.public_address = *inside;
            forward.public_port = read_port(&port, diagnostics_);
            forward.target = read_ipv4(&map->items[i + 1], diagnostics_).value_or(Address{});
            forward.target_port = to_port;
            entry.to.push_back(AddressRange::host(forward.target));
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

// Port forwards and static entries of one side, against each other.
class Overlaps {
public:
    Overlaps(Side side, Diagnostics& diagnostics) : side_(side), diagnostics_(diagnostics) {}

    void add(const Forward& forward) {
        if ((forward.sides & bit_of(side_)) == 0) return;
        if (forward.is_static()) {
            add_static(forward);
            return;
        }
        auto& others = forwards_[{forward.public_address, forward.protocol}];
        for (const Forward* other : others) {
            const bool apart = forward.public_port + forward.ports <= other->public_port ||
                               other->public_port + other->ports <= forward.public_port;
            if (apart) continue;
            const std::uint16_t port = std::max(forward.public_port, other->public_port);
            diagnostics_.error(forward.where, "'" + forward.id + "' forwards " +
                                                  end_text(forward.public_address, port, forward.protocol) +
                                                  ", which '" + other->id +
                                                  "' forwards already; remove one of the two");
            return;
        }
        others.push_back(&forward);
    }

    void add(const Masquerade& masquerade) {
        if (masquerade.side != side_) return;
        if (const auto found = statics_.find(masquerade.public_address); found != statics_.end()) {
            diagnostics_.error(masquerade.where, "'" + masquerade.id + "' masquerades as " +
                                                     masquerade.public_address.to_text() + ", all of which '" +
                                                     found->second->id +
                                                     "' gives to one host; masquerade as another address");
        }
        for (const auto& [key, forwards] : forwards_) {
            if (key.first != masquerade.public_address || (masquerade.protocol && *masquerade.protocol != key.second))
                continue;
            for (const Forward* forward : forwards) {
                if (forward->public_port > masquerade.ports.last ||
                    forward->public_port + forward->ports <= masquerade.ports.first)
                    continue;
                diagnostics_.error(masquerade.where,
                                   "the ports " + to_text(masquerade.ports) + " of '" + masquerade.id +
                                       "' hold some that '" + forward->id + "' forwards (" +
                                       end_text(forward->public_address, forward->public_port, forward->protocol) +
                                       "); give the masquerade other `ports:`");
            }
        }
    }

private:
    void add_static(const Forward& forward) {
        if (const auto [first, is_new] = statics_.emplace(forward.public_address, &forward); !is_new) {
            diagnostics_.error(forward.where, "'" + forward.id + "' maps " + forward.public_address.to_text() +
                                                  ", which '" + first->second->id +
                                                  "' maps already; remove one of the two");
        }
        if (const auto [first, is_new] = targets_.emplace(forward.target, &forward); !is_new) {
            diagnostics_.error(forward.where, "'" + forward.id + "' maps to " + forward.target.to_text() + ", which '" +
                                                  first->second->id +
                                                  "' maps to already: what it sends can have one public address");
        }
    }

    Side side_;
    Diagnostics& diagnostics_;
    std::map<std::pair<Address, std::uint8_t>, std::vector<const Forward*>> forwards_;
    std::map<Address, const Forward*> statics_;
    std::map<Address, const Forward*> targets_;
};

void warn_of_forwards_before_statics(const std::vector<Forward>& forwards, Diagnostics& diagnostics) {
    std::map<Address, const Forward*> statics;
    for (const Forward& forward : forwards) {
        if (forward.is_static()) statics.emplace(forward.public_address, &forward);
    }
    for (const Forward& forward : forwards) {
        const auto found = statics.find(forward.public_address);
        if (forward.is_static() || found == statics.end() || (found->second->sides & forward.sides) == 0) continue;
        diagnostics.warning(forward.where, "'" + forward.id + "' comes before the static entry '" + found->second->id +
                                               "' of the same public address: these ports do not reach " +
                                               found->second->target.to_text());
    }
}

std::size_t prefixes_in(const std::vector<AddressRange>& ranges) {
    std::size_t count = 0;
    for (const AddressRange& range : ranges)
        count += range.prefixes().size();
    return count;
}

// The data path tries one pair of prefixes after the other.
void limit_pairs(const std::vector<Masquerade>& masquerades, Diagnostics& diagnostics) {
    std::size_t pairs = 0;
    for (const Masquerade& masquerade : masquerades) {
        pairs += prefixes_in(masquerade.from) * std::max<std::size_t>(1, prefixes_in(masquerade.to));
        if (pairs <= kMaxPairs) continue;
        diagnostics.error(masquerade.where,
                          "with '" + masquerade.id + "' the masquerades have " + std::to_string(pairs) +
                              " pairs of a `from` and a `to` prefix, and " + std::to_string(kMaxPairs) +
                              " fit (a range is as many prefixes as it takes); name fewer or larger networks");
        return;
    }
}

}  // namespace

Nat check_nat(const Item& item, Diagnostics& diagnostics) {
    const auto keys = item.origin.profile.empty() ? std::span<const std::string_view>(kNatKeys)
                                                  : std::span<const std::string_view>(kProfileNatKeys);
    Nat nat;
    const Fields fields(*item.node, keys, "a NAT entry", diagnostics);
    if (fields.is_map()) NatEntry(item, fields, nat, diagnostics).check();
    return nat;
}

void check_overlaps(const Policy& policy, Diagnostics& diagnostics) {
    for (const Side side : {Side::kExternal, Side::kInternal}) {
        Overlaps overlaps(side, diagnostics);
        for (const Forward& forward : policy.forwards)
            overlaps.add(forward);
        for (const Masquerade& masquerade : policy.masquerades)
            overlaps.add(masquerade);
    }
    warn_of_forwards_before_statics(policy.forwards, diagnostics);
    limit_pairs(policy.masquerades, diagnostics);
    std::size_t ports = 0;
    for (const Forward& forward : policy.forwards) {
        ports += forward.ports;
        if (ports <= kMaxPorts) continue;
        diagnostics.error(forward.where, "the port forwards have more than " + std::to_string(kMaxPorts) +
                                             " ports in all; a static entry forwards all ports of an address");
        break;
    }
    const std::size_t entries = policy.forwards.size() + policy.masquerades.size();
    if (entries > kMaxEntries) {
        diagnostics.error(
            policy.forwards.empty() ? policy.masquerades.back().where : policy.forwards.back().where,
            "there are " + std::to_string(entries) + " NAT entries; at most " + std::to_string(kMaxEntries) + " fit");
    }
}

}  // namespace edgefw::policy
