// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/hidden_drops.h"

#include <netinet/in.h>

#include <algorithm>

#include "userspace/check/covers.h"
#include "userspace/language/values.h"
#include "userspace/policy/words.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kMaxComparisons = 1'000'000;  // some tens of milliseconds
constexpr std::size_t kMaxWarnings = 20;            // a list of addresses to drop may be a thousand rules

bool matches_no_opener(const Rule& rule) {
    const auto is_reply = [](const IcmpMatch& match) { return match.type == 0 || match.type == 129; };
    return rule.established || (rule.tcp_flags && !rule.tcp_flags->may_open()) ||
           (!rule.icmp.empty() && std::all_of(rule.icmp.begin(), rule.icmp.end(), is_reply));
}

template <typename T>
bool agree(const std::optional<T>& a, const std::optional<T>& b) {
    return !a || !b || a == b;
}

// A port that both name; `otherwise` where neither names any. Nothing: they have none in common.
std::optional<std::uint16_t> common_port(const std::vector<PortRange>& a, const std::vector<PortRange>& b,
                                         std::uint16_t otherwise) {
    if (a.empty() || b.empty()) return a.empty() && b.empty() ? otherwise : (a.empty() ? b : a).front().first;
    for (const PortRange& one : a) {
        for (const PortRange& other : b) {
            if (one.first <= other.last && other.first <= one.last) return std::max(one.first, other.first);
        }
    }
    return std::nullopt;
}

std::optional<IcmpMatch> common_icmp(const Rule& a, const Rule& b) {
    if (a.icmp.empty() && b.icmp.empty()) {
        const bool is_icmp6 = (a.protocol ? a.protocol : b.protocol) == IPPROTO_ICMPV6;
        return IcmpMatch{static_cast<std::uint8_t>(is_icmp6 ? 128 : 8), {}};
    }
    if (a.icmp.empty() || b.icmp.empty()) return (a.icmp.empty() ? b : a).icmp.front();
    for (const IcmpMatch& one : a.icmp) {
        for (const IcmpMatch& other : b.icmp) {
            if (one.type == other.type && agree(one.code, other.code))
                return IcmpMatch{one.type, one.code ? one.code : other.code};
        }
    }
    return std::nullopt;
}

// Addresses that the drop rule names at one end and that the pass rule takes whole: a sample of each family.
struct CommonEnd {
    std::optional<Address> address[EDGEFW_FAMILIES];
    bool unknown = false;  // a host by name, a set without members

    bool may_be(Family family) const { return unknown || address[static_cast<int>(family)].has_value(); }
};

CommonEnd common_end(const AddressMatch& pass, const AddressMatch& drop, const std::vector<Set>& sets, bool is_local) {
    CommonEnd common;
    const auto add = [&](const Address& address) {
        auto& known = common.address[static_cast<int>(address.family)];
        if (!known) known = address;
    };
    const auto takes = [&](const std::vector<std::string>& names, const std::string& name) {
        return pass.any() || std::find(names.begin(), names.end(), name) != names.end();
    };
    if (drop.any()) {
        if (!pass.any()) return common;
        add(*Address::parse(is_local ? "192.0.2.10" : "198.51.100.9"));
        add(*Address::parse(is_local ? "2001:db8::10" : "2001:db8:9::9"));
    }
    for (const AddressRange& range : drop.ranges) {
        const auto holds = [&](const AddressRange& wider) { return wider.contains(range); };
        if (pass.any() || std::any_of(pass.ranges.begin(), pass.ranges.end(), holds)) add(range.first);
    }
    for (const std::string& name : drop.sets) {
        if (!takes(pass.sets, name)) continue;
        const auto set = std::find_if(sets.begin(), sets.end(), [&](const Set& known) { return known.name == name; });
        common.unknown |= set == sets.end() || set->members.empty();
        if (set == sets.end()) continue;
        for (const AddressRange& member : set->members)
            add(member.first);
    }
    for (const std::string& name : drop.hosts)
        common.unknown |= takes(pass.hosts, name);
    return common;
}

std::string end_text(const Address& address, std::optional<std::uint16_t> port) {
    if (!port) return address.to_text();
    const bool ipv6 = address.family == Family::kIpv6;
    return (ipv6 ? "[" + address.to_text() + "]" : address.to_text()) + ":" + std::to_string(*port);
}

// What a pass rule takes from a drop rule behind it.
class Taken {
public:
    Taken(const Rule& pass, const Rule& drop, const std::vector<Set>& sets)
        : pass_(pass),
          drop_(drop),
          local_(common_end(pass.local, drop.local, sets, true)),
          remote_(common_end(pass.remote, drop.remote, sets, false)) {}

    bool is_something() const {
        return common_port(pass_.local_port, drop_.local_port, 0) &&
               common_port(pass_.remote_port, drop_.remote_port, 0) && agree(pass_.vlan, drop_.vlan) &&
               common_icmp(pass_, drop_) && (may_be(Family::kIpv4) || may_be(Family::kIpv6));
    }

    // In packet notation; empty: no packet can be named.
    std::string example() const {
        for (const Family family : {Family::kIpv4, Family::kIpv6}) {
            const auto& local = local_.address[static_cast<int>(family)];
            const auto& remote = remote_.address[static_cast<int>(family)];
            if (local && remote && may_be(family)) return packet(*local, *remote);
        }
        return "";
    }

private:
    std::optional<std::uint8_t> protocol() const { return pass_.protocol ? pass_.protocol : drop_.protocol; }

    bool may_be(Family family) const {
        if (protocol() == IPPROTO_ICMP && family == Family::kIpv6) return false;
        if (protocol() == IPPROTO_ICMPV6 && family == Family::kIpv4) return false;
        return local_.may_be(family) && remote_.may_be(family);
    }

    std::string packet(const Address& local, const Address& remote) const {
        const std::uint8_t number = protocol().value_or(IPPROTO_TCP);
        const Direction direction = pass_.direction == Direction::kBoth ? drop_.direction : pass_.direction;
        const Direction one = direction == Direction::kBoth ? Direction::kInbound : direction;
        const bool received = hook_of(pass_.side, one) == EDGEFW_RECEIVED;
        const auto port = [&](const std::vector<PortRange>& a, const std::vector<PortRange>& b, bool opens) {
            return has_ports(number) ? common_port(a, b, opens ? 40000 : 443) : std::nullopt;
        };
        const std::string local_end = end_text(local, port(pass_.local_port, drop_.local_port, !received));
        const std::string remote_end = end_text(remote, port(pass_.remote_port, drop_.remote_port, received));
        std::string text = std::string(to_text(pass_.side)) + " " + to_text(one) + " " + protocol_text(number) + " " +
                           (received ? remote_end : local_end) + " > " + (received ? local_end : remote_end);
        if (number == IPPROTO_ICMP || number == IPPROTO_ICMPV6) text += " " + icmp_text(number);
        if (const auto vlan = pass_.vlan ? pass_.vlan : drop_.vlan) text += " vlan " + std::to_string(*vlan);
        return text;
    }

    std::string icmp_text(std::uint8_t protocol) const {
        return to_text(common_icmp(pass_, drop_).value_or(IcmpMatch{}), protocol);
    }

    const Rule& pass_;
    const Rule& drop_;
    CommonEnd local_;
    CommonEnd remote_;
};

// Cheap, and true of few pairs. Rules of frames that are not IP are few, and seen together.
bool may_take(const Rule& pass, const Rule& drop) {
    return pass.is_of_ip() && drop.is_of_ip() && pass.side == drop.side && agree(pass.protocol, drop.protocol) &&
           (pass.direction == drop.direction || pass.direction == Direction::kBoth ||
            drop.direction == Direction::kBoth);
}

// A pass rule without state for segments by their flags is the other half of a connection, not a service.
bool is_half_of_a_connection(const Rule& pass) {
    return pass.established || (pass.tcp_flags && pass.state == State::kNone);
}

bool passes_all_openers(Rule pass, const Rule& drop) {
    pass.state = State::kNone;
    return covers(pass, drop);
}

std::string message(const Rule& pass, const Rule& drop, const Taken& taken) {
    const std::string example = taken.example();
    const std::string such = example.empty() ? "" : ", such as '" + example + "'";
    if (passes_all_openers(pass, drop)) {
        return "the rule '" + drop.id + "' drops nothing that opens a connection: '" + pass.id +
               "' before it passes all of that" + such + "; move it up or remove it";
    }
    return "the rule '" + drop.id + "' does not drop all that it names: '" + pass.id + "' before it passes a part" +
           such + "; move it up, or narrow the other";
}

}  // namespace

void warn_of_hidden_drops(const Policy& policy, Diagnostics& diagnostics) {
    std::vector<const Rule*> passes;
    std::size_t comparisons = 0;
    std::size_t warnings = 0;
    const Rule* first_unsaid = nullptr;
    for (const Rule& rule : policy.rules) {
        if (rule.action == Action::kPass) {
            if (!is_half_of_a_connection(rule)) passes.push_back(&rule);
            continue;
        }
        if (matches_no_opener(rule)) continue;
        for (const Rule* pass : passes) {
            if (++comparisons > kMaxComparisons) break;
            if (!may_take(*pass, rule) || covers(rule, *pass)) continue;
            if (covers(*pass, rule)) break;
            const Taken taken(*pass, rule, policy.sets);
            if (!taken.is_something()) continue;
            if (++warnings <= kMaxWarnings) {
                diagnostics.warning(rule.where, message(*pass, rule, taken));
            } else if (first_unsaid == nullptr) {
                first_unsaid = &rule;
            }
            break;
        }
    }
    if (first_unsaid == nullptr) return;
    const std::size_t more = warnings - kMaxWarnings;
    diagnostics.warning(first_unsaid->where,
                        std::to_string(more) + (more == 1 ? " more drop rule comes" : " more drop rules come") +
                            " behind pass rules in the same way, from '" + first_unsaid->id + "' on");
}

}  // namespace edgefw::policy
