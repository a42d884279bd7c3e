// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check_rule.h"

#include <netinet/in.h>

#include <algorithm>

#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/language/ids.h"
#include "userspace/language/keys.h"
#include "userspace/language/plain.h"
#include "userspace/language/values.h"
#include "userspace/policy/words.h"

namespace edgefw::policy {
namespace {

// What says nothing of a frame that is not IP.
constexpr auto kKeysOfIp = std::to_array<std::string_view>(
    {"protocol", "local", "remote", "local_port", "remote_port", "tcp_flags", "established", "icmp"});

bool has_ports(const Rule& rule) {
    return rule.protocol && policy::has_ports(*rule.protocol);
}

// What bpf/frame/dissect_ip.h walks through in IPv6: a packet's protocol is what comes behind. In IPv4 they are
// protocols.
bool is_ipv6_extension(std::uint8_t protocol) {
    constexpr std::uint8_t kExtensions[] = {0, 43, 44, 51, 60, 135, 139, 140};
    return std::find(std::begin(kExtensions), std::end(kExtensions), protocol) != std::end(kExtensions);
}

bool is_icmp(const Rule& rule) {
    return rule.protocol == IPPROTO_ICMP || rule.protocol == IPPROTO_ICMPV6;
}

class RuleChecker {
public:
    RuleChecker(const Item& item, const Node& node, const SetIndex& sets, Diagnostics& diagnostics)
        : item_(item),
          sets_(sets),
          diagnostics_(diagnostics),
          fields_(node,
                  item.origin.profile.empty() ? std::span<const std::string_view>(kRuleKeys)
                                              : std::span<const std::string_view>(kProfileRuleKeys),
                  "a rule", diagnostics) {}

    std::optional<Rule> check() {
        if (!fields_.is_map()) return std::nullopt;
        const std::size_t errors_before = diagnostics_.errors();
        rule_.origin = item_.origin;
        rule_.where = item_.where;
        read_id();
        read_place();
        if (const Node* ethertype = fields_.find("ethertype")) {
            read_ethertypes(*ethertype);
        } else {
            read_ends();
            read_details();
        }
        read_outcome();
        // What can never match is told from values that are all good.
        if (diagnostics_.errors() == errors_before) check_can_match();
        if (diagnostics_.errors() != errors_before) return std::nullopt;
        return std::move(rule_);
    }

private:
    void read_id() {
        const Node* name = fields_.find("name");
        if (name == nullptr) {
            diagnostics_.error(fields_.node(),
                               "a rule needs `name:`, the identity that its counters and connections keep to");
            return;
        }
        rule_.id = item_.prefix + read_text(*name, "a name", diagnostics_);
        const auto problem = name->is_scalar() ? id_problem(rule_.id) : std::nullopt;
        if (problem) diagnostics_.error(*name, *problem);
    }

    void read_place() {
        if (const Node* side = fields_.find("side")) {
            rule_.side = read_word(*side, kSides, "a side", diagnostics_).value_or(Side::kExternal);
        } else {
            diagnostics_.error(fields_.node(), "a rule needs `side:`, external or internal");
        }
        rule_.direction = Direction::kBoth;
        if (const Node* direction = fields_.find("direction")) {
            rule_.direction =
                read_word(*direction, kDirections, "a direction", diagnostics_).value_or(Direction::kBoth);
        }
        const Node* vlan = fields_.find("vlan");
        if (vlan == nullptr || is_any(*vlan)) return;
        if (const auto id = read_number(*vlan, {1, 4094}, "a VLAN id", diagnostics_)) {
            rule_.vlan = static_cast<std::uint16_t>(*id);
        }
    }

    void read_ethertypes(const Node& node) {
        rule_.ethertypes = policy::read_ethertypes(node, diagnostics_);
        for (const std::string_view key : kKeysOfIp) {
            const Node* other = fields_.find(key);
            if (other == nullptr || is_any(*other)) continue;
            diagnostics_.error(*other, "`" + std::string(key) +
                                           ":` is of IP packets, `ethertype:` of all other frames; make it two rules");
        }
    }

    void read_ends() {
        if (const Node* local = fields_.find("local")) rule_.local = read_addresses(*local, sets_, diagnostics_);
        if (const Node* remote = fields_.find("remote")) rule_.remote = read_addresses(*remote, sets_, diagnostics_);
    }

    void read_details() {
        const Node* protocol = fields_.find("protocol");
        if (protocol != nullptr && !is_any(*protocol)) {
            rule_.protocol = read_protocol(*protocol, diagnostics_);
            if (!rule_.protocol) return;  // what hangs on it would be noise
        }
        rule_.local_port = read_port_list("local_port");
        rule_.remote_port = read_port_list("remote_port");
        if (const Node* flags = fields_.find("tcp_flags")) {
            need_protocol(*flags, rule_.protocol == IPPROTO_TCP, "`tcp_flags:` goes with `protocol: tcp`");
            rule_.tcp_flags = read_tcp_flags(*flags, diagnostics_);
        }
        const Node* icmp = fields_.find("icmp");
        if (icmp == nullptr || is_any(*icmp)) return;
        need_protocol(*icmp, is_icmp(rule_), "`icmp:` goes with `protocol: icmp` or `icmp6`");
        if (is_icmp(rule_)) rule_.icmp = read_icmp(*icmp, *rule_.protocol, diagnostics_);
    }

    std::vector<PortRange> read_port_list(std::string_view key) {
        const Node* node = fields_.find(key);
        if (node == nullptr) return {};
        auto ports = read_ports(*node, diagnostics_);
        if (!ports.empty())
            need_protocol(*node, has_ports(rule_),
                          "ports go with `protocol: tcp`, `udp`, `sctp`, `dccp` or `udp-lite`");
        return ports;
    }

    void need_protocol(const Node& at, bool holds, const std::string& message) {
        if (!holds) diagnostics_.error(at, message);
    }

    void read_outcome() {
        if (const Node* action = fields_.find("action")) {
            rule_.action = read_word(*action, kActions, "an action", diagnostics_).value_or(Action::kDrop);
        } else {
            diagnostics_.error(fields_.node(), "a rule needs `action:`, pass or drop");
        }
        if (const Node* log = fields_.find("log"))
            rule_.log = read_word(*log, kSwitches, "a switch", diagnostics_).value_or(false);
        const bool passes = rule_.action == Action::kPass;
        const bool of_ip = fields_.find("ethertype") == nullptr;
        rule_.state = passes && of_ip ? State::kKeep : State::kNone;
        if (const Node* state = fields_.find("state")) {
            rule_.state = read_word(*state, kStates, "a state", diagnostics_).value_or(State::kNone);
            if (!passes && rule_.state == State::kKeep) {
                diagnostics_.error(*state, "a drop rule keeps no state; leave `state:` out");
            } else if (!of_ip && rule_.state == State::kKeep) {
                diagnostics_.error(*state, "frames that are not IP have no connections; leave `state:` out");
            }
        }
        const Node* established = fields_.find("established");
        if (established == nullptr || !of_ip) return;
        rule_.established = read_word(*established, kSwitches, "a switch", diagnostics_).value_or(false);
        if (!rule_.established) return;
        need_protocol(*established, rule_.protocol == IPPROTO_TCP, "`established:` goes with `protocol: tcp`");
        if (rule_.state == State::kKeep) {
            diagnostics_.error(
                *established,
                "`established: true` goes with `state: none`: a rule that keeps state passes replies by itself");
        }
    }

    void check_can_match() {
        check_families();
        check_extension_header();
        if (rule_.action == Action::kDrop || rule_.state == State::kNone) return;
        if (rule_.tcp_flags && !rule_.tcp_flags->may_open()) {
            diagnostics_.error(*fields_.find("tcp_flags"),
                               "this rule can never match: one that keeps state matches segments that open, SYN "
                               "without ACK, RST and FIN; add `state: none`");
        }
        const std::uint8_t reply = rule_.protocol == IPPROTO_ICMP ? 0 : 129;
        const auto is_reply = [&](const IcmpMatch& match) { return match.type == reply; };
        if (!rule_.icmp.empty() && std::all_of(rule_.icmp.begin(), rule_.icmp.end(), is_reply)) {
            diagnostics_.error(*fields_.find("icmp"),
                               "this rule can never match: one that keeps state passes echo-reply with its request; "
                               "add `state: none`");
        }
    }

    void check_families() {
        const auto only = [&](const AddressMatch& match, Family family) {
            return !match.any() && !may_be(match, family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4);
        };
        const bool mixed = (only(rule_.local, Family::kIpv4) && only(rule_.remote, Family::kIpv6)) ||
                           (only(rule_.local, Family::kIpv6) && only(rule_.remote, Family::kIpv4));
        if (mixed) {
            diagnostics_.error(*fields_.find("remote"),
                               "this rule can never match: local and remote are of different families; write both in "
                               "IPv4 or both in IPv6");
        }
        const bool wrong_icmp = (rule_.protocol == IPPROTO_ICMP &&
                                 (only(rule_.local, Family::kIpv6) || only(rule_.remote, Family::kIpv6))) ||
                                (rule_.protocol == IPPROTO_ICMPV6 &&
                                 (only(rule_.local, Family::kIpv4) || only(rule_.remote, Family::kIpv4)));
        if (wrong_icmp && !mixed) {
            diagnostics_.warning(rule_.where, "the rule '" + rule_.id +
                                                  "' hardly matches: icmp goes with IPv4 addresses, icmp6 with IPv6");
        }
    }

    void check_extension_header() {
        if (!rule_.protocol || !is_ipv6_extension(*rule_.protocol)) return;
        const auto may_both_be = [&](Family family) {
            return (rule_.local.any() || may_be(rule_.local, family)) &&
                   (rule_.remote.any() || may_be(rule_.remote, family));
        };
        if (!may_both_be(Family::kIpv6)) return;
        const std::string why = "in IPv6 " + std::to_string(*rule_.protocol) +
                                " is an extension header, and rules see the protocol behind it; name that one";
        if (may_both_be(Family::kIpv4)) {
            diagnostics_.warning(rule_.where, "the rule '" + rule_.id + "' matches IPv4 alone: " + why +
                                                  " in another rule, and IPv4 addresses in this");
        } else {
            diagnostics_.error(*fields_.find("protocol"), "this rule can never match: " + why);
        }
    }

    bool may_be(const AddressMatch& match, Family family) const {
        const auto is_family = [&](const AddressRange& range) { return range.first.family == family; };
        // What is in a set may change while the rule is in force: an empty one may hold either family.
        const auto set_may_be = [&](const std::string& name) {
            const Set* set = sets_.find(name);
            return set == nullptr || set->members.empty() ||
                   std::any_of(set->members.begin(), set->members.end(), is_family);
        };
        return !match.hosts.empty() || std::any_of(match.ranges.begin(), match.ranges.end(), is_family) ||
               std::any_of(match.sets.begin(), match.sets.end(), set_may_be);
    }

    const Item& item_;
    const SetIndex& sets_;
    Diagnostics& diagnostics_;
    Fields fields_;
    Rule rule_;
};

}  // namespace

std::optional<Rule> check_rule(const Item& item, const SetIndex& sets, Diagnostics& diagnostics) {
    if (item.node->kind != Node::Kind::kDeferred) return RuleChecker(item, *item.node, sets, diagnostics).check();
    const Node node = read_deferred(*item.node);
    return RuleChecker(item, node, sets, diagnostics).check();
}

}  // namespace edgefw::policy
