// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/hosts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edgefw::image {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFamilyKeys[EDGEFW_FAMILIES] = {"ipv4", "ipv6"};

Json to_json(const policy::Host& host) {
    Json addresses = Json::array();
    for (const Address& address : host.addresses)
        addresses.push_back(address.to_text());
    Json earlier = Json::object();
    for (const auto& [address, seen] : host.earlier)
        earlier[address.to_text()] = seen;
    return {{"name", host.name},
            {"addresses", std::move(addresses)},
            {"resolved", host.resolved},
            {"ttl", host.ttl},
            {"problem", host.problem},
            {"keep", host.keep},
            {"earlier", std::move(earlier)}};
}

policy::Host host_of(const Json& json) {
    policy::Host host;
    host.name = json.at("name").get<std::string>();
    for (const Json& text : json.at("addresses")) {
        const auto range = AddressRange::parse(text.get<std::string>());
        if (range && range->is_single()) host.addresses.push_back(range->first);
    }
    host.resolved = json.at("resolved").get<std::int64_t>();
    host.ttl = json.at("ttl").get<std::uint32_t>();
    host.problem = json.at("problem").get<std::string>();
    host.keep = json.value("keep", policy::kNamesKeep);
    const Json earlier = json.value("earlier", Json::object());
    for (const auto& [text, seen] : earlier.items()) {
        if (const auto address = Address::parse(text)) host.earlier.emplace(*address, seen.get<std::int64_t>());
    }
    return host;
}

// The class of addresses with `hosts` that have class `rest` without them.
std::optional<std::uint32_t> class_with(const std::vector<ClassMeaning>& meanings, std::uint32_t rest,
                                        const std::vector<std::string>& hosts) {
    if (hosts.empty()) return rest;
    for (std::size_t i = 0; i < meanings.size(); ++i) {
        if (meanings[i].rest == rest && meanings[i].hosts == hosts) return static_cast<std::uint32_t>(i + 1);
    }
    return std::nullopt;
}

std::vector<Address> without(const std::vector<Address>& all, const std::vector<Address>& some) {
    std::vector<Address> rest;
    std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
    return rest;
}

}  // namespace

std::string Hosts::to_text() const {
    if (hosts.empty()) return "";
    Json json{{"hosts", Json::array()}};
    for (const policy::Host& host : hosts)
        json["hosts"].push_back(to_json(host));
    for (int family = 0; family < EDGEFW_FAMILIES; ++family) {
        Json& list = json[kFamilyKeys[family]] = Json::array();
        for (const ClassMeaning& meaning : meanings[family])
            list.push_back({{"rest", meaning.rest}, {"hosts", meaning.hosts}});
    }
    return json.dump();
}

const policy::Host* Hosts::find(const std::string& name) const {
    const auto found =
        std::find_if(hosts.begin(), hosts.end(), [&](const policy::Host& host) { return host.name == name; });
    return found == hosts.end() ? nullptr : &*found;
}

std::string hosts_text(const Image& image) {
    Hosts hosts;
    hosts.hosts = image.hosts;
    std::copy(std::begin(image.meanings), std::end(image.meanings), std::begin(hosts.meanings));
    return hosts.to_text();
}

Result<Hosts> parse_hosts(const std::string& text) {
    Hosts hosts;
    if (text.empty()) return hosts;
    try {
        const Json json = Json::parse(text);
        for (const Json& host : json.at("hosts"))
            hosts.hosts.push_back(host_of(host));
        for (int family = 0; family < EDGEFW_FAMILIES; ++family) {
            for (const Json& meaning : json.at(kFamilyKeys[family])) {
                hosts.meanings[family].push_back(
                    {meaning.at("rest").get<std::uint32_t>(), meaning.at("hosts").get<std::vector<std::string>>()});
            }
        }
    } catch (const Json::exception&) {
        return failed("the hosts kept with the policy in force are not readable: push the policy again");
    }
    return hosts;
}

std::optional<std::vector<Move>> moves(const Hosts& hosts, const policy::Host& host, const std::vector<Address>& next,
                                       const std::function<std::uint32_t(const Address&)>& class_of) {
    std::vector<Move> result;
    const auto move = [&](const Address& address, bool comes) {
        const std::vector<ClassMeaning>& meanings = hosts.meanings[static_cast<std::size_t>(address.family)];
        const std::uint32_t now = class_of(address);
        ClassMeaning meaning;
        if (now > meanings.size()) return false;
        if (now > 0) meaning = meanings[now - 1];
        std::erase(meaning.hosts, host.name);
        if (comes) {
            meaning.hosts.push_back(host.name);
            std::sort(meaning.hosts.begin(), meaning.hosts.end());
        }
        const auto number = class_with(meanings, meaning.rest, meaning.hosts);
        if (number) result.push_back({address, *number});
        return number.has_value();
    };
    for (const Address& address : without(next, host.addresses)) {
        if (!move(address, true)) return std::nullopt;
    }
    for (const Address& address : without(host.addresses, next)) {
        if (!move(address, false)) return std::nullopt;
    }
    return result;
}

}  // namespace edgefw::image
