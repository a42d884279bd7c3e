// SPDX-License-Identifier: GPL-2.0-only
// The numbers in the comments are the steps of docs/semantics.md.
#include "tests/support/oracle.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "maps/builtins.h"
#include "tests/support/oracle_packet.h"

namespace edgefw::test {

using packet::Packet;
using policy::Action;
using policy::Direction;
using policy::Forward;
using policy::Policy;
using policy::Rule;
using policy::Side;

namespace {

constexpr std::uint16_t kArpEthertype = 0x0806;
constexpr std::uint16_t kPppoeDiscoveryEthertype = 0x8863;
constexpr std::uint16_t kPppoeSessionEthertype = 0x8864;
constexpr std::uint16_t kEapolEthertype = 0x888e;

// 7: what a pass rule that keeps state may match.
bool may_match_keeping_rule(const Packet& packet) {
    return opens(packet) || (is_icmp(packet) && !is_echo_reply(packet));
}

bool is_keeping(const Rule& rule) {
    return rule.action == Action::kPass && rule.state == policy::State::kKeep;
}

bool contains(const std::vector<policy::PortRange>& ports, std::uint16_t port) {
    if (ports.empty()) return true;
    return std::any_of(ports.begin(), ports.end(),
                       [port](const policy::PortRange& range) { return range.first <= port && port <= range.last; });
}

bool contains(const std::vector<policy::IcmpMatch>& messages, const Packet& packet) {
    if (messages.empty()) return true;
    return std::any_of(messages.begin(), messages.end(), [&](const policy::IcmpMatch& message) {
        return message.type == packet.icmp_type && (!message.code || *message.code == packet.icmp_code);
    });
}

bool matches_protocol(const Rule& rule, const Packet& packet) {
    if (!rule.protocol) return true;
    if (*rule.protocol != packet.protocol) return false;
    // ICMP is IPv4's and ICMPv6 is IPv6's; the number alone in the other family is neither.
    if (packet.protocol == IPPROTO_ICMP) return packet.source.family == Family::kIpv4;
    if (packet.protocol == IPPROTO_ICMPV6) return packet.source.family == Family::kIpv6;
    return true;
}

bool matches(const Rule& rule, const OtherFrame& frame) {
    if (rule.side != frame.side) return false;
    if (rule.direction != Direction::kBoth && rule.direction != frame.direction) return false;
    if (rule.vlan && *rule.vlan != frame.vlan.value_or(0)) return false;
    return std::any_of(rule.ethertypes.begin(), rule.ethertypes.end(), [&](const policy::EthertypeRange& range) {
        return range.first <= frame.ethertype && frame.ethertype <= range.last;
    });
}

bool matches_flags(const Rule& rule, const Packet& packet) {
    if (!rule.tcp_flags && !rule.established) return true;
    if (packet.protocol != IPPROTO_TCP) return false;
    if (rule.established && (packet.tcp_flags & (kAck | kRst)) == 0) return false;
    return !rule.tcp_flags || (packet.tcp_flags & rule.tcp_flags->mask) == rule.tcp_flags->value;
}

const char* builtin_id(edgefw_builtin builtin) {
#define EDGEFW_BUILTIN_ID(identifier, key, id, verdict, sentence) id,
    static constexpr std::array<const char*, EDGEFW_BUILTIN_COUNT> ids = {EDGEFW_BUILTINS(EDGEFW_BUILTIN_ID)};
#undef EDGEFW_BUILTIN_ID
    return ids[builtin];
}

const char* reason_text(edgefw_reason reason) {
#define EDGEFW_REASON_TEXT(identifier, name, verdict, sentence) name,
    static constexpr std::array<const char*, EDGEFW_REASON_COUNT> names = {EDGEFW_REASONS(EDGEFW_REASON_TEXT)};
#undef EDGEFW_REASON_TEXT
    return names[reason];
}

bool is_link_local(const Address& address) {
    return address.value >> 118 == 0xfe80 >> 6;
}

bool is_between(std::uint8_t value, std::uint8_t low, std::uint8_t high) {
    return low <= value && value <= high;
}

bool goes_from_port_to(const Packet& packet, std::uint16_t source, std::uint16_t destination) {
    return packet.protocol == IPPROTO_UDP && packet.source_port == source && packet.destination_port == destination;
}

bool is_neighbour_discovery(const Sample& sample) {
    return sample.packet.protocol == IPPROTO_ICMPV6 && is_between(sample.packet.icmp_type, 133, 137) &&
           sample.hop_limit == 255;
}

bool is_listener_discovery(const Sample& sample) {
    const Packet& packet = sample.packet;
    return packet.protocol == IPPROTO_ICMPV6 && (is_between(packet.icmp_type, 130, 132) || packet.icmp_type == 143) &&
           sample.hop_limit == 1 && is_link_local(packet.source);
}

bool is_igmp(const Sample& sample) {
    return sample.packet.protocol == IPPROTO_IGMP && sample.hop_limit == 1 &&
           sample.fragment == Sample::Fragment::kNone;
}

// The host's own client, as far as addresses say so that are the same on every host.
bool is_dhcp_client(const Packet& packet) {
    static const Address broadcast{Family::kIpv4, 0xffffffff};
    if (packet.destination != broadcast) return false;
    return packet.hook() == EDGEFW_SENT ? goes_from_port_to(packet, 68, 67) && packet.source.value == 0
                                        : goes_from_port_to(packet, 67, 68);
}

bool is_dhcpv6_client(const Packet& packet) {
    static const Address group{Family::kIpv6, uint128{0xff02} << 112 | 0x10002};
    const bool on_link =
        is_link_local(packet.source) && (is_link_local(packet.destination) || packet.destination == group);
    if (packet.protocol != IPPROTO_UDP || !on_link) return false;
    return packet.hook() == EDGEFW_SENT ? goes_from_port_to(packet, 546, 547) : packet.destination_port == 546;
}

bool same_datagram(const Sample& a, const Sample& b) {
    const bool same_protocol = a.packet.protocol == b.packet.protocol || a.packet.source.family == Family::kIpv6;
    return a.packet.side == b.packet.side && a.packet.direction == b.packet.direction &&
           a.packet.source == b.packet.source && a.packet.destination == b.packet.destination &&
           a.fragment_id == b.fragment_id && same_protocol;
}

}  // namespace

std::string Verdict::to_text() const {
    return std::string(policy::to_text(action)) + " " + reason_text(reason) + (rule.empty() ? "" : " " + rule) +
           (nat.empty() ? "" : " via " + nat) + (opened ? " opened" : "");
}

Oracle::Oracle() {
#define EDGEFW_STATE_SECONDS(identifier, name, seconds, why) seconds,
    static constexpr std::uint32_t kSeconds[] = {EDGEFW_CONNECTION_STATES(EDGEFW_STATE_SECONDS)};
#undef EDGEFW_STATE_SECONDS
    std::copy(std::begin(kSeconds), std::end(kSeconds), std::begin(policy_.timeout));
}

void Oracle::push(Policy policy) {
    policy_ = std::move(policy);
    ++generation_;
}

bool Oracle::is_on(edgefw_builtin builtin) const {
    return (policy_.builtins >> builtin & 1) != 0;
}

Action Oracle::default_of(Side side, Direction direction) const {
    return policy_.defaults[static_cast<int>(side)][direction == Direction::kInbound ? 0 : 1];
}

Verdict Oracle::judge(const OtherFrame& frame) const {
    if (generation_ == 0) return {Action::kPass, EDGEFW_REASON_NO_POLICY, "", "", false};  // 1
    for (const auto& [builtin, is_it] : {std::pair{EDGEFW_BUILTIN_ARP, frame.ethertype == kArpEthertype},
                                         std::pair{EDGEFW_BUILTIN_LINK_LOCAL, frame.to_link_local_group},
                                         std::pair{EDGEFW_BUILTIN_PPPOE, frame.ethertype == kPppoeDiscoveryEthertype ||
                                                                             frame.ethertype == kPppoeSessionEthertype},
                                         std::pair{EDGEFW_BUILTIN_EAPOL, frame.ethertype == kEapolEthertype}}) {
        if (is_it && is_on(builtin)) return {Action::kPass, EDGEFW_REASON_BUILTIN, builtin_id(builtin), "", false};
    }
    for (const Rule& rule : policy_.rules) {
        if (test::matches(rule, frame)) return {rule.action, EDGEFW_REASON_RULE, rule.id, "", false};
    }
    if (default_of(frame.side, frame.direction) == Action::kPass)  // 2
        return {Action::kPass, EDGEFW_REASON_DEFAULT, "", "", false};
    return {Action::kDrop, EDGEFW_REASON_UNSUPPORTED_ETHERTYPE, "", "", false};
}

Verdict Oracle::judge(const Sample& sample) {
    left_ = sample.packet;
    if (generation_ == 0) {  // 1
        learn(sample);
        return {Action::kPass, EDGEFW_REASON_NO_POLICY, "", "", false};
    }
    if (sample.fragment == Sample::Fragment::kLater) return judge_later_fragment(sample);  // 3
    Verdict verdict = judge_first_or_whole(sample);
    if (verdict.action == Action::kDrop) left_ = sample.packet;
    if (sample.fragment == Sample::Fragment::kFirst && verdict.action == Action::kPass)
        datagrams_.push_back({sample, verdict, left_});
    return verdict;
}

Verdict Oracle::judge_later_fragment(const Sample& sample) {
    const auto newest = std::find_if(datagrams_.rbegin(), datagrams_.rend(), [&](const Datagram& datagram) {
        return same_datagram(datagram.first, sample) && !tells_apart(datagram.first.packet, sample.packet);
    });
    if (newest == datagrams_.rend()) return {Action::kDrop, EDGEFW_REASON_FRAGMENT_WITHOUT_FIRST, "", "", false};
    Verdict verdict = newest->verdict;
    verdict.reason = EDGEFW_REASON_FRAGMENT;
    verdict.opened = false;
    left_.source = newest->left.source;
    left_.destination = newest->left.destination;
    return verdict;
}

Verdict Oracle::judge_first_or_whole(const Sample& sample) {
    if (const auto id = builtin(sample))  // 4
        return {Action::kPass, EDGEFW_REASON_BUILTIN, *id, "", false};
    const View view = view_of(sample);  // 5, received
    if (is_opening_syn(sample.packet)) return judge_syn(view);
    if (Connection* connection = find(view)) {  // 6
        if (const auto followed = follow(*connection, view)) return *followed;
        return decide(classify_packet(view), view);
    }
    if (revoke_retired(view)) return {Action::kDrop, EDGEFW_REASON_REVOKED, "", "", false};
    if (sample.fragment == Sample::Fragment::kNone) {
        if (const auto adopted = adopt(view)) return *adopted;
    }
    return decide(classify_packet(view), view);  // 7, 8
}

bool Oracle::is_left_open(const Sample& sample) {
    if (generation_ == 0 || !is_opening_syn(sample.packet)) return false;
    const View view = view_of(sample);
    if (classify_packet(view).action == Action::kPass) return false;
    const Connection* connection = find(view);
    if (connection == nullptr) return false;
    return connection->opener.packet.hook() == view.packet.hook() || !classify(connection->opener).keeps;
}

// A SYN is classified before the table is asked; the paragraph below the steps names what that changes.
Verdict Oracle::judge_syn(const View& view) {
    const Classified classified = classify_packet(view);
    View translated = view;
    translate_source(translated);
    const bool by_port = translated.translation && translated.translation->by_port;
    if (classified.action == Action::kPass && !classified.keeps && !by_port) return decide(classified, view);
    Connection* connection = find(view);
    if (connection == nullptr) return decide(classified, view);
    const auto verdict = follow(*connection, view);
    const bool drops = classified.action == Action::kDrop;
    return !verdict || (drops && verdict->reason == EDGEFW_REASON_REVOKED) ? decide(classified, view) : *verdict;
}

std::optional<std::string> Oracle::builtin(const Sample& sample) const {
    const Packet& packet = sample.packet;
    const bool ipv4 = packet.source.family == Family::kIpv4;
    const bool whole = sample.fragment == Sample::Fragment::kNone;
    const std::array<std::pair<edgefw_builtin, bool>, 5> cases = {{
        {EDGEFW_BUILTIN_ND, !ipv4 && is_neighbour_discovery(sample)},
        {EDGEFW_BUILTIN_MLD, !ipv4 && is_listener_discovery(sample)},
        {EDGEFW_BUILTIN_IGMP, ipv4 && is_igmp(sample)},
        {EDGEFW_BUILTIN_DHCP, ipv4 && whole && is_dhcp_client(packet)},
        {EDGEFW_BUILTIN_DHCPV6, !ipv4 && whole && is_dhcpv6_client(packet)},
    }};
    for (const auto& [builtin, is_it] : cases) {
        if (is_it && is_on(builtin)) return builtin_id(builtin);
    }
    return std::nullopt;
}

std::uint32_t Sample::sequence() const {
    return ((packet.tcp_flags & kSyn) != 0 ? 1 : 2) + sequence_off;
}

std::uint32_t Sample::acknowledgment() const {
    return ((packet.tcp_flags & kAck) != 0 ? 2 : 0) + acknowledgment_off;
}

Oracle::View Oracle::view_of(const Sample& sample) const {
    View view = wire_view(sample.packet);
    view.allotted = sample.allotted;
    translate_destination(view);
    if (sample.packet.protocol != IPPROTO_TCP) return view;
    view.first = sample.sequence();
    view.last = view.first + sample.payload;
    for (const std::uint8_t flag : {kSyn, kFin}) {
        if ((sample.packet.tcp_flags & flag) != 0) view.last++;
    }
    view.acknowledgment = sample.acknowledgment();
    return view;
}

Oracle::View Oracle::wire_view(const Packet& packet) const {
    const bool received = packet.hook() == EDGEFW_RECEIVED;
    View view;
    view.packet = packet;
    view.local = received ? packet.destination : packet.source;
    view.remote = received ? packet.source : packet.destination;
    if (has_ports(packet)) {
        view.local_port = received ? packet.destination_port : packet.source_port;
        view.remote_port = received ? packet.source_port : packet.destination_port;
    }
    view.key_ports = {view.local_port, view.remote_port};
    if (is_echo_request(packet) || is_echo_reply(packet)) {
        const bool remote_asks = received == is_echo_request(packet);
        view.key_ports = {remote_asks ? 0 : packet.icmp_id, remote_asks ? packet.icmp_id : 0};
    }
    return view;
}

bool Oracle::matches(const policy::AddressMatch& match, const Address& address) const {
    if (match.any()) return true;
    for (const AddressRange& range : match.ranges) {
        if (range.contains(address)) return true;
    }
    for (const policy::Host& host : policy_.hosts) {
        if (std::find(match.hosts.begin(), match.hosts.end(), host.name) == match.hosts.end()) continue;
        if (std::find(host.addresses.begin(), host.addresses.end(), address) != host.addresses.end()) return true;
    }
    for (const policy::Set& set : policy_.sets) {
        if (std::find(match.sets.begin(), match.sets.end(), set.name) == match.sets.end()) continue;
        for (const AddressRange& range : set.members) {
            if (range.contains(address)) return true;
        }
    }
    return false;
}

bool Oracle::matches(const Rule& rule, const View& view) const {
    const Packet& packet = view.packet;
    if (!rule.is_of_ip() || rule.side != packet.side) return false;
    if (rule.direction != Direction::kBoth && rule.direction != packet.direction) return false;
    if (is_keeping(rule) && !may_match_keeping_rule(packet)) return false;
    if (rule.vlan && *rule.vlan != packet.vlan.value_or(0)) return false;
    return matches_protocol(rule, packet) && matches_flags(rule, packet) && contains(rule.icmp, packet) &&
           contains(rule.local_port, view.local_port) && contains(rule.remote_port, view.remote_port) &&
           matches(rule.local, view.local) && matches(rule.remote, view.remote);
}

bool Oracle::is_martian(const View& view) const {
    static const char* const kForbidden[] = {"0.0.0.0/8", "127.0.0.0/8",   "192.0.0.16-192.0.0.255", "224.0.0.0/3",
                                             "::/127",    "::ffff:0:0/96", "2001:10::/28",           "ff00::/8"};
    static const AddressRange kLink = *AddressRange::parse("ff02::/16");
    static const Address kBroadcast = *Address::parse("255.255.255.255");
    if (!is_on(EDGEFW_BUILTIN_MARTIAN) || view.packet.side != Side::kExternal) return false;
    if (view.packet.hook() != EDGEFW_RECEIVED) return false;
    if (view.remote == view.local) return true;
    const bool asks_its_link = view.local == kBroadcast || kLink.contains(AddressRange::single(view.local));
    const bool has_none = view.remote.value == 0;
    if (has_none && asks_its_link) return false;
    for (const char* text : kForbidden) {
        const AddressRange range = *AddressRange::parse(text);
        if (range.contains(AddressRange::single(view.remote))) return true;
    }
    return std::any_of(inside_.begin(), inside_.end(), [&](const Prefix& network) {
        return AddressRange::of(network).contains(AddressRange::single(view.remote));
    });
}

// Classifies a packet that is here, whose destination on the wire is known, too (that of a connection's opener is not).
Oracle::Classified Oracle::classify_packet(const View& view) const {
    View outside = view;
    if (view.translation && view.packet.hook() == EDGEFW_RECEIVED) outside.local = view.translation->public_address;
    if (outside.local == view.remote && is_martian(outside)) return classify(outside);
    return classify(view);
}

Oracle::Classified Oracle::classify(const View& view) const {
    if (is_martian(view)) return {Action::kDrop, false, EDGEFW_REASON_MARTIAN, builtin_id(EDGEFW_BUILTIN_MARTIAN)};
    for (const Rule& rule : policy_.rules) {
        if (matches(rule, view)) return {rule.action, is_keeping(rule), EDGEFW_REASON_RULE, rule.id};
    }
    const Direction direction = view.packet.direction;
    const Direction other = direction == Direction::kInbound ? Direction::kOutbound : Direction::kInbound;
    const Action action = default_of(view.packet.side, direction);
    const bool keeps = action == Action::kPass && default_of(view.packet.side, other) == Action::kDrop;  // 8
    const bool drops_error = action == Action::kDrop && is_icmp_error(view.packet);  // of notation: it quotes nothing
    return {action, keeps, drops_error ? EDGEFW_REASON_ICMP_UNRELATED : EDGEFW_REASON_DEFAULT, ""};
}

// 8, and 5 of what is sent.
Verdict Oracle::decide(const Classified& classified, View view) {
    translate_source(view);
    Verdict verdict{classified.action, classified.reason, classified.rule, "", false};
    const bool by_port = view.translation && view.translation->by_port;
    if (verdict.action == Action::kPass && by_port && !opens(view.packet)) {
        verdict.action = Action::kDrop;
        verdict.reason = EDGEFW_REASON_NAT_UNTRACKED;
    }
    if (verdict.action == Action::kPass && (classified.keeps || by_port) && opens(view.packet)) {
        const edgefw_reason refusal = allocate(view);
        const bool beside = !view.translation && goes_on_in_midstream(view);
        if (refusal != EDGEFW_REASON_RULE) {
            verdict.action = Action::kDrop;
            verdict.reason = refusal;
        } else if (!beside) {
            open(view, classified.rule);
            verdict.opened = true;
        }
    }
    if (view.translation) verdict.nat = view.translation->id;
    leave(view.packet, view);
    return verdict;
}

}  // namespace edgefw::test
