// SPDX-License-Identifier: GPL-2.0-only
#include "bench/services.h"

#include <netinet/in.h>

#include <algorithm>
#include <random>

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint32_t kSeed = 20090;      // any: the same lists in every run
constexpr std::uint32_t kMostPrefixes = 8;  // in a service's list
constexpr std::uint16_t kWebPort = 443;
constexpr std::uint16_t kGatewayPort = 9555;
constexpr std::uint16_t kMediaFirst = 50000, kMediaLast = 59999;
constexpr std::uint16_t kClientPort = 40000;

Address ipv4(std::uint32_t value) {
    return {Family::kIpv4, value};
}

const Address kWeb = ipv4(0xc0000214);            // 192.0.2.20
const Address kMedia = ipv4(0xc000021e);          // 192.0.2.30
const Address kGateway = ipv4(0x0a000005);        // 10.0.0.5
const Address kPublic = ipv4(0xcb007107);         // 203.0.113.7
const Address kClient = ipv4(0xc6336409);         // 198.51.100.9
constexpr std::uint32_t kFirstHost = 0x0a400000;  // 10.64.0.0

std::vector<Prefix> random_prefixes(std::mt19937& random) {
    std::vector<AddressRange> taken;
    std::vector<Prefix> prefixes;
    const std::size_t wanted = 1 + random() % kMostPrefixes;
    while (prefixes.size() < wanted) {
        const int length = 16 + static_cast<int>(random() % 13);
        const std::uint32_t network = (16 + static_cast<std::uint32_t>(random() % 64)) << 24 | (random() & 0xffffff);
        const Prefix prefix = {ipv4(network & ~(0xffffffffu >> length)), length};
        const AddressRange range = AddressRange::of(prefix);
        const bool clashes = std::any_of(taken.begin(), taken.end(), [&](const auto& t) { return t.overlaps(range); });
        if (clashes) continue;
        taken.push_back(range);
        prefixes.push_back(prefix);
    }
    std::sort(prefixes.begin(), prefixes.end());
    return prefixes;
}

policy::Rule pass_rule(std::string id, std::uint8_t protocol, const Address& local, policy::PortRange port) {
    policy::Rule rule;
    rule.id = std::move(id);
    rule.protocol = protocol;
    rule.local.ranges = {AddressRange::single(local)};
    rule.local_port = {port};
    rule.action = policy::Action::kPass;
    return rule;
}

policy::Rule rule_of(const Service& service, std::size_t number) {
    policy::Rule rule =
        pass_rule("service-" + std::to_string(number), IPPROTO_TCP, service.host, {service.port, service.port});
    rule.state = service.state;
    for (const auto& prefix : service.remotes)
        rule.remote.ranges.push_back(AddressRange::of(prefix));
    return rule;
}

packet::Packet inbound(std::uint8_t protocol, const Address& local, std::uint16_t port) {
    packet::Packet packet;
    packet.protocol = protocol;
    packet.source = kClient;
    packet.source_port = kClientPort;
    packet.destination = local;
    packet.destination_port = port;
    return packet;
}

packet::Packet inbound_tcp(const Address& local, std::uint16_t port, std::uint8_t flags) {
    packet::Packet packet = inbound(IPPROTO_TCP, local, port);
    packet.tcp_flags = flags;
    return packet;
}

std::string list_of(const std::vector<Prefix>& prefixes) {
    std::string text;
    for (const auto& prefix : prefixes)
        text += (text.empty() ? "" : ", ") + prefix.to_text();
    return text;
}

std::string text_of(policy::PortRange ports) {
    return std::to_string(ports.first) + (ports.first == ports.last ? "" : "-" + std::to_string(ports.last));
}

std::string yaml_rule(const policy::Rule& rule, const std::string& remotes) {
    std::string text = "  - name: " + rule.id + "\n    side: external\n    direction: " + to_text(rule.direction) +
                       "\n    protocol: " + (*rule.protocol == IPPROTO_TCP ? "tcp" : "udp") +
                       "\n    local: " + rule.local.ranges[0].to_text() +
                       "\n    local_port: " + text_of(rule.local_port[0]) + "\n";
    if (!remotes.empty()) text += "    remote: [" + remotes + "]\n";
    if (rule.state == policy::State::kNone) text += "    state: none\n";
    return text + "    action: pass\n";
}

std::string nftables_rule(const policy::Rule& rule, const std::string& remotes) {
    const std::string protocol = *rule.protocol == IPPROTO_TCP ? "tcp" : "udp";
    std::string text =
        "    ip daddr " + rule.local.ranges[0].to_text() + " " + protocol + " dport " + text_of(rule.local_port[0]);
    if (!remotes.empty()) text += " ip saddr { " + remotes + " }";
    return text + " counter accept\n";
}

}  // namespace

std::vector<Service> further_services(std::uint32_t count) {
    std::mt19937 random(kSeed);
    std::vector<Service> services;
    for (std::uint32_t i = 0; i < count; i++) {
        Service service;
        service.host = ipv4(kFirstHost + i);
        service.port = static_cast<std::uint16_t>(1024 + i * 7 % 48000);
        service.remotes = random_prefixes(random);
        service.state = i % 2 == 0 ? policy::State::kKeep : policy::State::kNone;
        services.push_back(std::move(service));
    }
    return services;
}

policy::Policy policy_of(const std::vector<Service>& services) {
    policy::Policy policy = policy::Policy();
    constexpr std::uint32_t kTimeouts[] = {
#define EDGEFW_TIMEOUT(identifier, name, seconds, why) seconds,
        EDGEFW_CONNECTION_STATES(EDGEFW_TIMEOUT)
#undef EDGEFW_TIMEOUT
    };
    std::copy(std::begin(kTimeouts), std::end(kTimeouts), policy.timeout);
    policy.rules.push_back(pass_rule("web", IPPROTO_TCP, kWeb, {kWebPort, kWebPort}));
    policy.rules.push_back(pass_rule("media", IPPROTO_UDP, kMedia, {kMediaFirst, kMediaLast}));
    policy.rules.back().direction = policy::Direction::kBoth;
    policy.rules.push_back(pass_rule("gateway", IPPROTO_TCP, kGateway, {kGatewayPort, kGatewayPort}));
    for (std::size_t i = 0; i < services.size(); i++)
        policy.rules.push_back(rule_of(services[i], i));
    policy::Forward forward;
    forward.id = "gateway-forward";
    forward.protocol = IPPROTO_TCP;
    forward.public_address = kPublic;
    forward.public_port = kGatewayPort;
    forward.target = kGateway;
    forward.target_port = kGatewayPort;
    policy.forwards.push_back(forward);
    return policy;
}

std::string yaml_of(const std::vector<Service>& services) {
    const policy::Policy policy = policy_of(services);
    const std::size_t own = policy.rules.size() - services.size();
    std::string text = "version: 1\ndefault: drop\nrules:\n";
    for (std::size_t i = 0; i < policy.rules.size(); i++)
        text += yaml_rule(policy.rules[i], i < own ? "" : list_of(services[i - own].remotes));
    return text;
}

std::string nftables_rules_of(const std::vector<Service>& services) {
    const policy::Policy policy = policy_of(services);
    const std::size_t own = policy.rules.size() - services.size();
    std::string text;
    for (std::size_t i = 0; i < policy.rules.size(); i++)
        text += nftables_rule(policy.rules[i], i < own ? "" : list_of(services[i - own].remotes));
    return text;
}

std::string nftables_of(const std::vector<Service>& services) {
    return "table ip edge {\n  counter dropped { }\n  chain input {\n    type filter hook input priority filter; "
           "policy "
           "drop;\n    ct state established,related accept\n" +
           nftables_rules_of(services) + "    counter name dropped drop\n  }\n}\n";
}

packet::Packet web(std::uint8_t tcp_flags) {
    return inbound_tcp(kWeb, kWebPort, tcp_flags);
}

packet::Packet media() {
    return inbound(IPPROTO_UDP, kMedia, kMediaFirst + 10);
}

packet::Packet forwarded(std::uint8_t tcp_flags) {
    return inbound_tcp(kPublic, kGatewayPort, tcp_flags);
}

packet::Packet reply_to(const packet::Packet& packet, std::uint8_t tcp_flags) {
    packet::Packet reply = packet;
    const bool is_inbound = packet.direction == policy::Direction::kInbound;
    reply.direction = is_inbound ? policy::Direction::kOutbound : policy::Direction::kInbound;
    std::swap(reply.source, reply.destination);
    std::swap(reply.source_port, reply.destination_port);
    reply.tcp_flags = tcp_flags;
    return reply;
}

packet::Packet gateway_reply(std::uint8_t tcp_flags) {
    return reply_to(inbound_tcp(kGateway, kGatewayPort, tcp_flags), tcp_flags);
}

packet::Packet syn_to(const Service& service) {
    packet::Packet packet = inbound_tcp(service.host, service.port, kSyn);
    packet.source = AddressRange::of(service.remotes.front()).last;
    return packet;
}

Address stranger() {
    return ipv4(0x63000009);  // 99.0.0.9: beyond every random prefix
}

}  // namespace edgefw::bench
