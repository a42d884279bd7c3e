// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/document.h"

#include "userspace/base/sha256.h"
#include "userspace/document/json_text.h"
#include "userspace/language/ethertype.h"
#include "userspace/language/states.h"
#include "userspace/language/values.h"

namespace edgefw::document {
namespace {

using namespace policy;
using nlohmann::ordered_json;

// "any", the one value, or the values as an array.
void write_all(JsonText& json, std::string_view key, const std::vector<std::string>& texts) {
    json.key(key);
    if (texts.empty()) return json.value("any");
    if (texts.size() == 1) return json.value(texts.front());
    json.begin_list();
    for (const std::string& text : texts)
        json.value(text);
    json.end_list();
}

void write_addresses(JsonText& json, std::string_view key, const AddressMatch& match) {
    std::vector<std::string> texts;
    for (const AddressRange& range : match.ranges)
        texts.push_back(range.to_text());
    for (const std::string& set : match.sets)
        texts.push_back("$" + set);
    texts.insert(texts.end(), match.hosts.begin(), match.hosts.end());
    write_all(json, key, texts);
}

template <typename Range>
void write_ranges(JsonText& json, std::string_view key, const std::vector<Range>& ranges) {
    std::vector<std::string> texts;
    for (const Range& range : ranges)
        texts.push_back(to_text(range));
    write_all(json, key, texts);
}

void write_text_or_null(JsonText& json, std::string_view key, const std::string& text) {
    json.key(key);
    text.empty() ? json.null() : json.value(text);
}

void write_number_or_null(JsonText& json, std::string_view key, const std::optional<int>& number) {
    json.key(key);
    number ? json.value(std::int64_t{*number}) : json.null();
}

void write_text(JsonText& json, std::string_view key, std::string_view text) {
    json.key(key);
    json.value(text);
}

// What most rules do not have, shown only where present.
void write_details(JsonText& json, const Rule& rule) {
    if (rule.vlan) {
        json.key("vlan");
        json.value(std::int64_t{*rule.vlan});
    }
    if (rule.tcp_flags) write_text(json, "tcp_flags", to_text(*rule.tcp_flags));
    if (rule.established) {
        json.key("established");
        json.value(true);
    }
    if (!rule.icmp.empty()) {
        std::vector<std::string> texts;
        for (const IcmpMatch& match : rule.icmp)
            texts.push_back(to_text(match, *rule.protocol));
        write_all(json, "icmp", texts);
    }
    if (rule.log) {
        json.key("log");
        json.value(true);
    }
    if (!rule.origin.role.empty()) write_text(json, "role", rule.origin.role);
    if (!rule.origin.section.empty()) write_text(json, "section", rule.origin.section);
    if (rule.where.line > 0) write_text(json, "where", rule.where.to_text());
}

// What packets it is of; an IP packet has all of it.
void write_ends(JsonText& json, const Rule& rule) {
    write_text(json, "protocol", rule.protocol ? protocol_text(*rule.protocol) : "any");
    write_addresses(json, "local", rule.local);
    write_ranges(json, "local_port", rule.local_port);
    write_addresses(json, "remote", rule.remote);
    write_ranges(json, "remote_port", rule.remote_port);
}

void write_rule(JsonText& json, const Rule& rule) {
    json.begin_object();
    write_text(json, "id", rule.id);
    write_text_or_null(json, "profile", rule.origin.profile);
    write_text_or_null(json, "document", rule.origin.document);
    write_number_or_null(json, "table", rule.origin.table);
    write_number_or_null(json, "figure", rule.origin.figure);
    write_text(json, "side", to_text(rule.side));
    write_text(json, "direction", to_text(rule.direction));
    if (rule.is_of_ip())
        write_ends(json, rule);
    else
        write_ranges(json, "ethertype", rule.ethertypes);
    write_text(json, "state", to_text(rule.state));
    write_text(json, "action", to_text(rule.action));
    write_details(json, rule);
    json.end_object();
}

void write_set(JsonText& json, const Set& set) {
    json.begin_object();
    write_text(json, "name", set.name);
    json.key("members");
    json.begin_list();
    for (const AddressRange& range : set.members)
        json.value(range.to_text());
    json.end_list();
    json.end_object();
}

ordered_json text_or_null(const std::string& text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json(text);
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

ordered_json nat_of(const Policy& policy) {
    ordered_json json = ordered_json::array();
    for (const Forward& forward : policy.forwards)
        json.push_back(to_json(forward));
    for (const Masquerade& masquerade : policy.masquerades)
        json.push_back(to_json(masquerade));
    return json;
}

void write_json(JsonText& json, std::string_view key, const ordered_json& value) {
    json.key(key);
    json.literal(value.dump());
}

}  // namespace

std::string write_text(const Policy& policy) {
    std::string text;
    JsonText json(text);
    json.begin_object();
    json.key("rules");
    json.begin_list();
    for (const Rule& rule : policy.rules)
        write_rule(json, rule);
    json.end_list();
    write_json(json, "nat", nat_of(policy));
    write_json(json, "defaults", defaults_of(policy));
    write_json(json, "builtins", builtins_of(policy));
    write_json(json, "connections", capacity_of(policy));
    write_json(json, "timeouts", timeouts_of(policy));
    write_json(json, "adopt", policy.adopt);
    write_json(json, "rollback_grace", policy.rollback_grace);
    write_json(json, "record",
               ordered_json{{"drops", policy.records_drops ? "on" : "off"}, {"bytes", policy.capacity.record_bytes}});
    json.key("sets");
    json.begin_list();
    for (const Set& set : policy.sets)
        write_set(json, set);
    json.end_list();
    write_json(json, "hosts", hosts_of(policy));
    write_text(json, "digest", policy.digest);
    write_json(json, "hosts_digest", hosts_digest(policy.hosts));
    write_text(json, "file", policy.file);
    json.end_object();
    text.shrink_to_fit();
    return text;
}

ordered_json write(const Policy& policy) {
    return ordered_json::parse(write_text(policy));
}

}  // namespace edgefw::document
