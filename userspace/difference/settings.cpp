// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/settings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "userspace/language/states.h"

namespace edgefw::difference {
namespace {

using policy::Policy;

void add(std::vector<std::string>& lines, const std::string& name, std::uint32_t before, std::uint32_t after) {
    const std::string line = name + ": " + std::to_string(before) + " -> " + std::to_string(after);
    // Several states have one timeout, and one line.
    if (before != after && std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
}

void add_capacity(std::vector<std::string>& lines, const policy::Capacity& before, const policy::Capacity& after) {
    for (unsigned family = 0; family < EDGEFW_FAMILIES; ++family) {
        const std::string of = family == EDGEFW_IPV4 ? " ipv4" : " ipv6";
        add(lines, "connections confirmed" + of, before.confirmed[family], after.confirmed[family]);
        add(lines, "connections datagrams" + of, before.datagrams[family], after.datagrams[family]);
        add(lines, "connections half_open" + of, before.half_open[family], after.half_open[family]);
    }
}

// Rules of both policies whose packets are recorded in one of them.
void add_logs(std::vector<std::string>& lines, const Policy& before, const Policy& after) {
    std::map<std::string, bool> logs;
    for (const policy::Rule& rule : before.rules)
        logs.emplace(rule.id, rule.log);
    for (const policy::Rule& rule : after.rules) {
        const auto found = logs.find(rule.id);
        if (found == logs.end() || found->second == rule.log) continue;
        lines.push_back("log of rule " + rule.id + (rule.log ? ": off -> on" : ": on -> off"));
    }
}

bool tells_vlans(const Policy& policy) {
    return std::any_of(policy.rules.begin(), policy.rules.end(),
                       [](const policy::Rule& rule) { return rule.is_of_ip() && rule.vlan; });
}

auto meaning_of(const policy::Forward& entry) {
    return std::tuple(entry.kind, entry.protocol, entry.public_address, entry.public_port, entry.target,
                      entry.target_port, entry.ports, entry.sides);
}

auto meaning_of(const policy::Masquerade& entry) {
    return std::tuple(entry.kind, entry.side, entry.from, entry.to, entry.protocol, entry.remote_port,
                      entry.public_address, entry.ports, entry.keeps_parity);
}

template <typename Entry>
void add_renamed(const std::vector<Entry>& before, const std::vector<Entry>& after,
                 std::vector<std::pair<std::string, std::string>>& renamed) {
    std::set<std::string> old_ids, new_ids;
    for (const Entry& entry : before)
        old_ids.insert(entry.id);
    for (const Entry& entry : after)
        new_ids.insert(entry.id);
    std::multimap<decltype(meaning_of(std::declval<const Entry&>())), std::string> gone;
    for (const Entry& entry : before) {
        if (!new_ids.contains(entry.id)) gone.emplace(meaning_of(entry), entry.id);
    }
    for (const Entry& entry : after) {
        const auto found = old_ids.contains(entry.id) ? gone.end() : gone.find(meaning_of(entry));
        if (found == gone.end()) continue;
        renamed.emplace_back(found->second, entry.id);
        gone.erase(found);
    }
}

}  // namespace

std::vector<std::string> changed_settings(const Policy& before, const Policy& after) {
    std::vector<std::string> lines;
    for (unsigned state = 0; state < EDGEFW_STATE_COUNT; ++state)
        add(lines, "timeouts " + std::string(policy::kStateNames[state]), before.timeout[state], after.timeout[state]);
    add_capacity(lines, before.capacity, after.capacity);
    add(lines, "adopt", before.adopt, after.adopt);
    add(lines, "rollback_grace", before.rollback_grace, after.rollback_grace);
    add(lines, "record bytes", before.capacity.record_bytes, after.capacity.record_bytes);
    if (before.records_drops != after.records_drops)
        lines.emplace_back(after.records_drops ? "record drops: off -> on" : "record drops: on -> off");
    add_logs(lines, before, after);
    add(lines, "names keep", before.names_keep, after.names_keep);
    if (tells_vlans(before) != tells_vlans(after))
        lines.emplace_back(tells_vlans(after) ? "connections are each of one VLAN, since a rule names one"
                                              : "connections are of all VLANs, since no rule names one");
    return lines;
}

std::vector<std::pair<std::string, std::string>> renamed_nat(const Policy& before, const Policy& after) {
    std::vector<std::pair<std::string, std::string>> renamed;
    add_renamed(before.forwards, after.forwards, renamed);
    add_renamed(before.masquerades, after.masquerades, renamed);
    return renamed;
}

}  // namespace edgefw::difference
