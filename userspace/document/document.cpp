// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/document.h"

#include "userspace/base/sha256.h"
#include "userspace/language/ethertype.h"
#include "userspace/language/states.h"
#include "userspace/language/values.h"

namespace edgefw::document {
namespace {

using namespace policy;
using nlohmann::ordered_json;

// "any", the one value, or the values as an array.
ordered_json one_or_array(std::vector<std::string> texts) {
    if (texts.empty()) return "any";
    if (texts.size() == 1) return texts.front();
    return texts;
}

ordered_json to_json(const AddressMatch& match) {
    std::vector<std::string> texts;
    for (const AddressRange& range : match.ranges)
        texts.push_back(range.to_text());
    for (const std::string& set : match.sets)
        texts.push_back("$" + set);
    texts.insert(texts.end(), match.hosts.begin(), match.hosts.end());
    return one_or_array(std::move(texts));
}

ordered_json to_json(const std::vector<PortRange>& ports) {
    std::vector<std::string> texts;
    for (const PortRange& range : ports)
        texts.push_back(to_text(range));
    return one_or_array(std::move(texts));
}

ordered_json to_json(const std::vector<EthertypeRange>& ethertypes) {
    std::vector<std::string> texts;
    for (const EthertypeRange& range : ethertypes)
        texts.push_back(to_text(range));
    return one_or_array(std::move(texts));
}

ordered_json number_or_null(const std::optional<int>& number) {
    return number ? ordered_json(*number) : ordered_json(nullptr);
}

ordered_json text_or_null(const std::string& text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

// What most rules do not have, shown only where present.
void add_details(const Rule& rule, ordered_json& json) {
    if (rule.vlan) json["vlan"] = *rule.vlan;
    if (rule.tcp_flags) json["tcp_flags"] = to_text(*rule.tcp_flags);
    if (rule.established) json["established"] = true;
    if (!rule.icmp.empty()) {
        std::vector<std::string> texts;
        for (const IcmpMatch& match : rule.icmp)
            texts.push_back(to_text(match, *rule.protocol));
        json["icmp"] = one_or_array(std::move(texts));
    }
    if (!rule.origin.role.empty()) json["role"] = rule.origin.role;
    if (!rule.origin.section.empty()) json["section"] = rule.origin.section;
    if (rule.where.line > 0) json["where"] = rule.where.to_text();
}

// What packets it is of; an IP packet has all of it.
void add_ends(const Rule& rule, ordered_json& json) {
    json["protocol"] = rule.protocol ? protocol_text(*rule.protocol) : "any";
    json["local"] = to_json(rule.local);
    json["local_port"] = to_json(rule.local_port);
    json["remote"] = to_json(rule.remote);
    json["remote_port"] = to_json(rule.remote_port);
}

ordered_json to_json(const Rule& rule) {
    ordered_json json;
    json["id"] = rule.id;
    json["profile"] = text_or_null(rule.origin.profile);
    json["document"] = text_or_null(rule.origin.document);
    json["table"] = number_or_null(rule.origin.table);
    json["figure"] = number_or_null(rule.origin.figure);
    json["side"] = to_text(rule.side);
    json["direction"] = to_text(rule.direction);
    if (rule.is_of_ip())
        add_ends(rule, json);
    else
        json["ethertype"] = to_json(rule.ethertypes);
    json["state"] = to_text(rule.state);
    json["action"] = to_text(rule.action);
    add_details(rule, json);
    return json;
}

std::string ports_text(std::uint16_t first, std::uint16_t count) {
    return to_text(PortRange{first, static_cast<std::uint16_t>(first + count - 1)});
}

ordered_json ranges_of(const std::vector<AddressRange>& ranges) {
    ordered_json json = ordered_json::array();
    for (const AddressRange& range : ranges)
        json.push_back(range.to_text());
    return json;
}

ordered_json sides_of(std::uint8_t sides) {
    ordered_json json = ordered_json::array();
    for (const Word<Side>& side : kSides) {
        if ((sides & bit_of(side.value)) != 0) json.push_back(side.text);
    }
    return json;
}

ordered_json to_json(const Forward& forward) {
    ordered_json json;
    json["id"] = forward.id;
    json["type"] = to_text(forward.kind);
    json["sides"] = sides_of(forward.sides);
    if (!forward.is_static()) json["protocol"] = protocol_text(forward.protocol);
    json["public"] = forward.public_address.to_text();
    if (!forward.is_static()) json["public_port"] = ports_text(forward.public_port, forward.ports);
    json["to"] = forward.target.to_text();
    if (!forward.is_static()) json["to_port"] = ports_text(forward.target_port, forward.ports);
    json["profile"] = text_or_null(forward.origin.profile);
    json["document"] = text_or_null(forward.origin.document);
    if (forward.where.line > 0) json["where"] = forward.where.to_text();
    return json;
}

ordered_json to_json(const Masquerade& masquerade) {
    ordered_json json;
    json["id"] = masquerade.id;
    json["type"] = to_text(masquerade.kind);
    json["sides"] = sides_of(bit_of(masquerade.side));
    json["protocol"] = masquerade.protocol ? ordered_json(protocol_text(*masquerade.protocol)) : ordered_json();
    json["from"] = ranges_of(masquerade.from);
    json["to"] = ranges_of(masquerade.to);
    json["to_port"] =
        masquerade.remote_port == 0 ? ordered_json() : ordered_json(std::to_string(masquerade.remote_port));
    json["public"] = masquerade.public_address.to_text();
    json["public_port"] = to_text(masquerade.ports);
    json["keep_parity"] = masquerade.keeps_parity;
    json["profile"] = text_or_null(masquerade.origin.profile);
    json["document"] = text_or_null(masquerade.origin.document);
    if (masquerade.where.line > 0) json["where"] = masquerade.where.to_text();
    return json;
}

ordered_json defaults_of(const Policy& policy) {
    ordered_json json;
    for (const Side side : {Side::kExternal, Side::kInternal}) {
        const auto& defaults = policy.defaults[static_cast<int>(side)];
        json[to_text(side)] = {{"inbound", to_text(defaults[0])}, {"outbound", to_text(defaults[1])}};
    }
    return json;
}

ordered_json builtins_of(const Policy& policy) {
    ordered_json json = ordered_json::array();
#define SHOW_BUILTIN(identifier, key, id_text, verdict, sentence) \
    json.push_back({{"id", id_text}, {"on", (policy.builtins >> EDGEFW_BUILTIN_##identifier & 1) != 0}});
    EDGEFW_BUILTINS(SHOW_BUILTIN)
#undef SHOW_BUILTIN
    return json;
}

ordered_json capacity_of(const Policy& policy) {
    const auto by_family = [](const std::uint32_t(&entries)[EDGEFW_FAMILIES]) {
        return ordered_json{{"ipv4", entries[EDGEFW_IPV4]}, {"ipv6", entries[EDGEFW_IPV6]}};
    };
    return {{"confirmed", by_family(policy.capacity.confirmed)},
            {"datagrams", by_family(policy.capacity.datagrams)},
            {"half_open", by_family(policy.capacity.half_open)}};
}

ordered_json timeouts_of(const Policy& policy) {
    ordered_json json;
    for (std::size_t state = 0; state < EDGEFW_STATE_COUNT; ++state)
        json[std::string(kStateNames[state])] = policy.timeout[state];
    return json;
}

ordered_json sets_of(const Policy& policy) {
    ordered_json json = ordered_json::array();
    for (const Set& set : policy.sets) {
        ordered_json members = ordered_json::array();
        for (const AddressRange& range : set.members)
            members.push_back(range.to_text());
        json.push_back({{"name", set.name}, {"members", std::move(members)}});
    }
    return json;
}

ordered_json hosts_of(const Policy& policy) {
    ordered_json json = ordered_json::array();
    for (const Host& host : policy.hosts)
        json.push_back(document::to_json(host));
    return json;
}

}  // namespace

ordered_json to_json(const policy::Host& host) {
    ordered_json addresses = ordered_json::array();
    for (const Address& address : host.addresses)
        addresses.push_back(address.to_text());
    return {{"name", host.name},
            {"addresses", std::move(addresses)},
            {"resolved", host.resolved == 0 ? ordered_json(nullptr) : ordered_json(host.resolved)},
            {"ttl", host.ttl},
            {"problem", text_or_null(host.problem)},
            {"keep", host.keep}};
}

ordered_json hosts_digest(const std::vector<policy::Host>& hosts) {
    if (hosts.empty()) return nullptr;
    std::string text;
    for (const Host& host : hosts) {
        text.append(host.name);
        for (const Address& address : host.addresses)
            text.append(" ").append(address.to_text());
        text.append("\n");
    }
    const auto digest = sha256(text);
    return digest ? ordered_json(*digest) : ordered_json(nullptr);
}

std::string with_generation(const std::string& document, std::uint32_t generation) {
    if (!document.ends_with('}')) return document;
    const std::string member = "\"generation\":" + std::to_string(generation) + "}";
    std::string text;
    text.reserve(document.size() + 1 + member.size());  // of a large policy there is one copy, not three
    text.append(document, 0, document.size() - 1);
    if (!text.ends_with('{')) text += ',';
    return text.append(member);
}

namespace {

// With an empty list of rules, which comes first.
ordered_json without_rules(const Policy& policy) {
    ordered_json json;
    json["rules"] = ordered_json::array();
    json["nat"] = ordered_json::array();
    for (const Forward& forward : policy.forwards)
        json["nat"].push_back(to_json(forward));
    for (const Masquerade& masquerade : policy.masquerades)
        json["nat"].push_back(to_json(masquerade));
    json["defaults"] = defaults_of(policy);
    json["builtins"] = builtins_of(policy);
    json["connections"] = capacity_of(policy);
    json["timeouts"] = timeouts_of(policy);
    json["adopt"] = policy.adopt;
    json["sets"] = sets_of(policy);
    json["hosts"] = hosts_of(policy);
    json["digest"] = policy.digest;
    json["hosts_digest"] = hosts_digest(policy.hosts);
    json["file"] = policy.file;
    return json;
}

}  // namespace

ordered_json write(const Policy& policy) {
    ordered_json json = without_rules(policy);
    for (const Rule& rule : policy.rules)
        json["rules"].push_back(to_json(rule));
    return json;
}

std::string write_text(const Policy& policy) {
    constexpr std::string_view kOpened = "{\"rules\":[";
    std::string text(kOpened);
    for (const Rule& rule : policy.rules) {
        if (text.size() > kOpened.size()) text += ',';
        text += to_json(rule).dump();
    }
    text += without_rules(policy).dump().substr(kOpened.size());
    text.shrink_to_fit();
    return text;
}

}  // namespace edgefw::document
