// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/hosts.h"

#include <map>

#include "userspace/document/document.h"
#include "userspace/image/hosts.h"
#include "userspace/show/table.h"

namespace edgefw::show {
namespace {

using Json = nlohmann::ordered_json;

Json list_of(const std::vector<policy::Host>& hosts) {
    Json list = Json::array();
    for (const policy::Host& host : hosts)
        list.push_back(document::to_json(host));
    return list;
}

std::string age_text(const Json& resolved, std::int64_t now) {
    if (!resolved.is_number()) return "never found";
    const std::int64_t age = std::max<std::int64_t>(0, now - resolved.get<std::int64_t>());
    if (age < 120) return std::to_string(age) + " s";
    if (age < 7200) return std::to_string(age / 60) + " min";
    return std::to_string(age / 3600) + " h";
}

std::string addresses_text(const Json& addresses) {
    std::string text;
    for (const Json& address : addresses)
        text.append(text.empty() ? "" : ", ").append(address.get<std::string>());
    return text.empty() ? "none: rules that name it match nothing" : text;
}

}  // namespace

Result<std::string> with_hosts(const std::string& document, const std::vector<kernel::HostsInForce>& in_force) {
    if (in_force.empty()) return document;
    Json json = Json::parse(document, nullptr, false);
    if (!json.is_object()) return document;
    for (const kernel::HostsInForce& entry : in_force) {
        if (json.value("generation", 0u) != entry.generation) continue;
        const Result<image::Hosts> hosts = image::parse_hosts(entry.text);
        if (!hosts) return hosts.error();
        json["hosts"] = list_of(hosts->hosts);
        json["hosts_digest"] = document::hosts_digest(hosts->hosts);
    }
    return json.dump();
}

std::string hosts_table(const Json& hosts, std::int64_t now, std::size_t width) {
    if (!hosts.is_array()) return "";
    Table table({{"host"}, {"addresses"}, {"age"}, {"last question"}});
    for (const Json& host : hosts) {
        const Json problem = host.value("problem", Json());
        table.add({host.value("name", ""), addresses_text(host.value("addresses", Json::array())),
                   age_text(host.value("resolved", Json()), now),
                   problem.is_string() ? problem.get<std::string>() : "answered"});
    }
    return table.empty() ? "" : "\n" + table.to_text(width);
}

Result<Json> hosts_json(const std::vector<kernel::HostsInForce>& in_force) {
    std::map<std::string, policy::Host> newest;
    for (const kernel::HostsInForce& entry : in_force) {
        const Result<image::Hosts> hosts = image::parse_hosts(entry.text);
        if (!hosts) return hosts.error();
        for (const policy::Host& host : hosts->hosts) {
            const auto [known, is_new] = newest.try_emplace(host.name, host);
            if (!is_new && known->second.resolved < host.resolved) known->second = host;
        }
    }
    std::vector<policy::Host> hosts;
    for (const auto& [name, host] : newest)
        hosts.push_back(host);
    return list_of(hosts);
}

}  // namespace edgefw::show
