// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/ruling.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "userspace/image/rules.h"

namespace edgefw::difference {
namespace {

using policy::Action;
using policy::Policy;
using policy::Rule;

// Identities of what is no rule.
constexpr std::uint32_t kDefaultIdentity = 0xffffffff;
constexpr std::uint32_t kFirstBuiltin = 0xffff0000;
constexpr std::uint32_t kNoFrame = 0xfffffffe;  // IPv4, IPv6 and VLAN tags: no frame of another ethertype

Spans spans_of(const std::vector<AddressRange>& ranges, Family family) {
    Spans spans;
    for (const AddressRange& range : ranges) {
        if (range.first.family == family) spans.push_back({range.first.value, range.last.value});
    }
    return merged(std::move(spans));
}

template <typename Range>
Spans spans_of(const std::vector<Range>& ranges) {
    Spans spans;
    for (const Range& range : ranges)
        spans.push_back({range.first, range.last});
    return merged(std::move(spans));
}

Spans spans_of(const std::vector<policy::IcmpMatch>& messages) {
    Spans spans;
    for (const policy::IcmpMatch& message : messages) {
        const std::uint32_t type = std::uint32_t{message.type} << 8;
        spans.push_back({type | message.code.value_or(0), type | message.code.value_or(0xff)});
    }
    return merged(std::move(spans));
}

bool default_keeps(const Policy& policy, const Plot& plot) {
    const auto& defaults = policy.defaults[static_cast<std::size_t>(plot.side)];
    const auto direction = static_cast<std::size_t>(policy::direction_of(plot.side, plot.hook));
    return plot.family && defaults[direction] == Action::kPass && defaults[1 - direction] == Action::kDrop;
}

Ruling default_of(const Policy& policy, const Plot& plot) {
    Ruling ruling;
    ruling.kind = Ruling::Kind::kDefault;
    ruling.identity = kDefaultIdentity;
    const auto direction = static_cast<std::size_t>(policy::direction_of(plot.side, plot.hook));
    ruling.action = policy.defaults[static_cast<std::size_t>(plot.side)][direction];
    ruling.keeps = default_keeps(policy, plot);
    return ruling;
}

// The rest of `whole` behind `part`, which lies in it: for each axis what `part` lacks there, within `part` before it.
std::vector<Restrictions> rest_of(const Restrictions& whole, const Restrictions& part, const Plot& plot, Pool& pool) {
    std::vector<Restrictions> rest;
    Restrictions around = whole;
    for (unsigned axis = 0; axis < kAxes; ++axis) {
        if (whole[axis] == part[axis]) continue;
        const Spans all = whole[axis] != nullptr ? *whole[axis] : Spans{everything(plot, static_cast<Axis>(axis))};
        Spans lacking = without(all, *part[axis]);
        if (!lacking.empty()) {
            rest.push_back(around);
            rest.back()[axis] = pool.keep(std::move(lacking));
        }
        around[axis] = part[axis];
    }
    return rest;
}

// Nothing: no packet is in both.
std::optional<Restrictions> in_both(const Restrictions& a, const Restrictions& b, Pool& pool) {
    Restrictions both = a;
    for (unsigned axis = 0; axis < kAxes; ++axis) {
        if (a[axis] == b[axis] || b[axis] == nullptr) continue;
        if (a[axis] == nullptr) {
            both[axis] = b[axis];
            continue;
        }
        Spans shared = common(*a[axis], *b[axis]);
        if (shared.empty()) return std::nullopt;
        both[axis] = pool.keep(std::move(shared));
    }
    return both;
}

}  // namespace

std::vector<std::size_t> longest_in_order(const std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
    constexpr std::size_t kNone = SIZE_MAX;
    std::vector<std::size_t> ends;  // ends[n]: of the choices of n + 1, the one that ends lowest
    std::vector<std::size_t> previous(pairs.size(), kNone);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const auto place = std::lower_bound(ends.begin(), ends.end(), pairs[i].first,
                                            [&](std::size_t end, std::size_t at) { return pairs[end].first < at; });
        if (place != ends.begin()) previous[i] = *(place - 1);
        if (place == ends.end())
            ends.push_back(i);
        else
            *place = i;
    }
    std::vector<std::size_t> chosen;
    for (std::size_t i = ends.empty() ? kNone : ends.back(); i != kNone; i = previous[i])
        chosen.push_back(i);
    std::reverse(chosen.begin(), chosen.end());
    return chosen;
}

bool Lists::are_equal() const {
    const auto is_changed = [](const Ruling& ruling) { return ruling.changed; };
    return std::none_of(before.begin(), before.end(), is_changed) &&
           std::none_of(after.begin(), after.end(), is_changed);
}

Rulings::Rulings(const Policy& before, const Policy& after) : before_(read(before)), after_(read(after)) {
    pair();
}

std::size_t Rulings::index_of(const Plot& plot) {
    return plot.family ? static_cast<std::size_t>(*plot.family) : std::size_t{EDGEFW_FAMILIES};
}

Rulings::Version Rulings::read(const Policy& policy) {
    Version version{policy, {}, {}, {}, {}};
    for (const policy::Set& set : policy.sets)
        version.sets.emplace(set.name, &set);
    for (const policy::Host& host : policy.hosts)
        version.hosts.emplace(host.name, &host);
    for (const Rule& rule : policy.rules) {
        version.meanings[EDGEFW_IPV4].push_back(meaning_of(version, rule, Family::kIpv4));
        version.meanings[EDGEFW_IPV6].push_back(meaning_of(version, rule, Family::kIpv6));
        version.meanings[EDGEFW_FAMILIES].push_back(meaning_of(version, rule, std::nullopt));
    }
    return version;
}

const Spans* Rulings::set_of(Version& version, const std::string& name, Family family) {
    const auto [known, is_new] = version.known.try_emplace({name, family}, nullptr);
    if (is_new) {
        const auto set = version.sets.find(name);
        known->second = pool_.keep(set == version.sets.end() ? Spans{} : spans_of(set->second->members, family));
    }
    return known->second;
}

const Spans* Rulings::addresses(Version& version, const policy::AddressMatch& match, Family family) {
    if (match.any()) return nullptr;
    if (match.ranges.empty() && match.hosts.empty() && match.sets.size() == 1)
        return set_of(version, match.sets.front(), family);
    Spans all = spans_of(match.ranges, family);
    for (const std::string& name : match.sets) {
        const Spans& set = *set_of(version, name, family);
        all.insert(all.end(), set.begin(), set.end());
    }
    for (const std::string& name : match.hosts) {
        const auto host = version.hosts.find(name);
        if (host == version.hosts.end()) continue;
        for (const Address& address : host->second->addresses) {
            if (address.family == family) all.push_back({address.value, address.value});
        }
    }
    return pool_.keep(merged(std::move(all)));
}

Rulings::Meaning Rulings::meaning_of(Version& version, const Rule& rule, std::optional<Family> family) {
    Meaning meaning;
    meaning.never = family ? !image::applies(rule, *family) : rule.is_of_ip();
    if (meaning.never) return meaning;
    meaning.action = rule.action;
    meaning.keeps = rule.action == Action::kPass && rule.state == policy::State::kKeep;
    if (rule.vlan) meaning.on[kVlan] = pool_.keep({{*rule.vlan, *rule.vlan}});
    if (!family) {
        meaning.on[kLocalPort] = pool_.keep(spans_of(rule.ethertypes));
        return meaning;
    }
    meaning.on[kLocal] = addresses(version, rule.local, *family);
    meaning.on[kRemote] = addresses(version, rule.remote, *family);
    for (const Axis axis : {kLocal, kRemote}) {
        if (meaning.on[axis] != nullptr && meaning.on[axis]->empty()) meaning.never = true;
    }
    if (meaning.never) return Meaning{.never = true};
    if (!rule.local_port.empty()) meaning.on[kLocalPort] = pool_.keep(spans_of(rule.local_port));
    if (!rule.remote_port.empty()) meaning.on[kRemotePort] = pool_.keep(spans_of(rule.remote_port));
    meaning.protocol = rule.protocol ? *rule.protocol : -1;
    if (rule.tcp_flags) meaning.flags = 0x10000u | std::uint32_t{rule.tcp_flags->mask} << 8 | rule.tcp_flags->value;
    if (rule.established) meaning.flags |= 0x20000u;
    if (!rule.icmp.empty()) meaning.messages = pool_.keep(spans_of(rule.icmp));
    return meaning;
}

// Rules that mean the same count as one, first those of the same id; then those that have the id alone.
void Rulings::pair() {
    const auto whole = [](const Version& version, std::size_t number) {
        const Rule& rule = version.policy.rules[number];
        return std::tuple(rule.side, rule.direction, version.meanings[0][number], version.meanings[1][number],
                          version.meanings[2][number]);
    };
    const std::vector<Rule>& old_rules = before_.policy.rules;
    const std::vector<Rule>& new_rules = after_.policy.rules;
    constexpr std::uint32_t kNone = 0xffffffff;
    std::vector<std::uint32_t> taken_by(old_rules.size(), kNone), of_new(new_rules.size(), kNone);
    std::unordered_map<std::string_view, std::uint32_t> by_id;
    for (std::uint32_t i = 0; i < old_rules.size(); ++i)
        by_id.emplace(old_rules[i].id, i);
    const auto take = [&](std::uint32_t old_number, std::uint32_t new_number) {
        taken_by[old_number] = new_number;
        of_new[new_number] = old_number;
    };
    const auto same_id = [&](std::uint32_t new_number) {
        const auto found = by_id.find(new_rules[new_number].id);
        return found == by_id.end() || taken_by[found->second] != kNone ? kNone : found->second;
    };
    for (std::uint32_t i = 0; i < new_rules.size(); ++i) {
        const std::uint32_t old_number = same_id(i);
        if (old_number != kNone && whole(before_, old_number) == whole(after_, i)) take(old_number, i);
    }
    std::multimap<decltype(whole(before_, 0)), std::uint32_t> by_meaning;
    for (std::uint32_t i = 0; i < old_rules.size(); ++i) {
        if (taken_by[i] == kNone) by_meaning.emplace(whole(before_, i), i);
    }
    for (std::uint32_t i = 0; i < new_rules.size(); ++i) {
        if (of_new[i] != kNone) continue;
        const auto found = by_meaning.find(whole(after_, i));
        if (found == by_meaning.end()) continue;
        take(found->second, i);
        names_.renamed.emplace_back(old_rules[found->second].id, new_rules[i].id);
        by_meaning.erase(found);
    }
    std::vector<std::pair<std::size_t, std::size_t>> alike;
    for (std::uint32_t i = 0; i < new_rules.size(); ++i) {
        if (of_new[i] != kNone) alike.emplace_back(of_new[i], i);
    }
    names_.moved = alike.size() - longest_in_order(alike).size();
    for (std::uint32_t i = 0; i < new_rules.size(); ++i) {
        if (of_new[i] != kNone) continue;
        if (const std::uint32_t old_number = same_id(i); old_number != kNone) take(old_number, i);
    }
    for (std::uint32_t i = 0; i < old_rules.size(); ++i)
        names_.before.push_back(i);
    for (std::uint32_t i = 0; i < new_rules.size(); ++i)
        names_.after.push_back(of_new[i] != kNone ? of_new[i] : static_cast<std::uint32_t>(old_rules.size() + i));
}

Lists Rulings::lists_of(const Plot& plot) {
    const std::size_t index = index_of(plot);
    const auto list_of = [&](const Version& version) {
        std::vector<std::pair<std::uint32_t, const Meaning*>> list;
        for (std::uint32_t number = 0; number < version.policy.rules.size(); ++number) {
            const Meaning& meaning = version.meanings[index][number];
            if (!meaning.never && plot.has(version.policy.rules[number])) list.emplace_back(number, &meaning);
        }
        return list;
    };
    const auto old_list = list_of(before_);
    const auto new_list = list_of(after_);
    const auto ruling = [](const Version& version, const std::vector<std::uint32_t>& identities, std::uint32_t number,
                           const Restrictions& on, bool changed) {
        Ruling made;
        made.on = on;
        made.number = number;
        made.identity = identities[number];
        made.rule = &version.policy.rules[number];
        made.action = made.rule->action;
        made.keeps = made.action == Action::kPass && made.rule->state == policy::State::kKeep;
        made.changed = changed;
        return made;
    };
    const auto old_ruling = [&](std::size_t at, const Restrictions& on, bool changed) {
        return ruling(before_, names_.before, old_list[at].first, on, changed);
    };
    const auto new_ruling = [&](std::size_t at, const Restrictions& on, bool changed) {
        return ruling(after_, names_.after, new_list[at].first, on, changed);
    };

    // Rules that mean the same here and count as one, wherever they stand; of these a longest run in both orders.
    std::unordered_map<std::uint32_t, std::size_t> old_place;
    for (std::size_t i = 0; i < old_list.size(); ++i)
        old_place.emplace(names_.before[old_list[i].first], i);
    std::vector<std::pair<std::size_t, std::size_t>> alike;
    for (std::size_t i = 0; i < new_list.size(); ++i) {
        const auto found = old_place.find(names_.after[new_list[i].first]);
        if (found != old_place.end() && *old_list[found->second].second == *new_list[i].second)
            alike.emplace_back(found->second, i);
    }
    std::vector<std::pair<std::size_t, std::size_t>> anchors;
    for (const std::size_t chosen : longest_in_order(alike))
        anchors.push_back(alike[chosen]);
    anchors.emplace_back(old_list.size(), new_list.size());

    // Between two of them: of a rule that has other addresses or ports now, what it had and has is not changed.
    Lists lists;
    std::size_t old_at = 0, new_at = 0;
    const auto put_old_until = [&](std::size_t end) {
        for (; old_at < end; ++old_at)
            lists.before.push_back(old_ruling(old_at, old_list[old_at].second->on, true));
    };
    for (const auto& [old_anchor, new_anchor] : anchors) {
        std::size_t free = old_at;
        for (; new_at < new_anchor; ++new_at) {
            const Meaning& now = *new_list[new_at].second;
            const auto found = old_place.find(names_.after[new_list[new_at].first]);
            const bool is_here = found != old_place.end() && found->second >= free && found->second < old_anchor;
            std::optional<Restrictions> both;
            if (is_here) {
                Meaning other = *old_list[found->second].second;
                other.on = now.on;
                if (other == now) both = in_both(old_list[found->second].second->on, now.on, pool_);
            }
            if (!both) {
                lists.after.push_back(new_ruling(new_at, now.on, true));
                continue;
            }
            put_old_until(found->second);
            lists.before.push_back(old_ruling(old_at, *both, false));
            for (const Restrictions& on : rest_of(old_list[old_at].second->on, *both, plot, pool_))
                lists.before.push_back(old_ruling(old_at, on, true));
            lists.after.push_back(new_ruling(new_at, *both, false));
            for (const Restrictions& on : rest_of(now.on, *both, plot, pool_))
                lists.after.push_back(new_ruling(new_at, on, true));
            free = ++old_at;
        }
        put_old_until(old_anchor);
        if (old_anchor == old_list.size() || new_anchor == new_list.size()) break;
        lists.before.push_back(old_ruling(old_anchor, old_list[old_anchor].second->on, false));
        lists.after.push_back(new_ruling(new_anchor, new_list[new_anchor].second->on, false));
        old_at = old_anchor + 1;
        new_at = new_anchor + 1;
    }
    lists.before.push_back(default_of(before_.policy, plot));
    lists.after.push_back(default_of(after_.policy, plot));
    const Ruling& old_default = lists.before.back();
    if (old_default.action != lists.after.back().action || old_default.keeps != lists.after.back().keeps)
        lists.before.back().changed = lists.after.back().changed = true;
    return lists;
}

namespace {

constexpr uint128 kBroadcast = 0xffffffff;
constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcp6Client = 546, kDhcp6Server = 547;

Span range_of(const char* text) {
    const AddressRange range = *AddressRange::parse(text);
    return {range.first.value, range.last.value};
}

// Restrictions of a built-in rule before they are in a pool.
struct Area {
    edgefw_builtin builtin;
    std::array<Spans, kAxes> on = {};
};

void add_dhcp(const Plot& plot, std::vector<Area>& areas) {
    if (plot.family == Family::kIpv4) {
        Area area{EDGEFW_BUILTIN_DHCP};
        const bool received = plot.hook == EDGEFW_RECEIVED;
        area.on[kLocalPort] = {{kDhcpClient, kDhcpClient}};
        area.on[kRemotePort] = {{kDhcpServer, kDhcpServer}};
        area.on[received ? kLocal : kRemote] = {{kBroadcast, kBroadcast}};
        if (!received) area.on[kLocal] = {{0, 0}};
        areas.push_back(std::move(area));
        return;
    }
    const Spans link = {range_of("fe80::/10")};
    const Spans destination = merged({range_of("fe80::/10"), range_of("ff02::1:2")});
    Area area{EDGEFW_BUILTIN_DHCPV6};
    area.on[kLocalPort] = {{kDhcp6Client, kDhcp6Client}};
    if (plot.hook == EDGEFW_SENT) area.on[kRemotePort] = {{kDhcp6Server, kDhcp6Server}};
    area.on[kLocal] = plot.hook == EDGEFW_SENT ? link : destination;
    area.on[kRemote] = plot.hook == EDGEFW_SENT ? destination : link;
    areas.push_back(std::move(area));
}

// Sources that nobody has (docs/semantics.md, "Martians"), but for those that a host without an address may use.
void add_martians(const Plot& plot, std::vector<Area>& areas) {
    Area always{EDGEFW_BUILTIN_MARTIAN}, but_own_link{EDGEFW_BUILTIN_MARTIAN};
    if (plot.family == Family::kIpv4) {
        always.on[kRemote] = merged({range_of("0.0.0.1-0.255.255.255"), range_of("127.0.0.0/8"),
                                     range_of("192.0.0.16-192.0.0.255"), range_of("224.0.0.0/3")});
        but_own_link.on[kLocal] = {{0, kBroadcast - 1}};
    } else {
        always.on[kRemote] =
            merged({range_of("::1"), range_of("::ffff:0:0/96"), range_of("2001:10::/28"), range_of("ff00::/8")});
        but_own_link.on[kLocal] = without({everything(plot, kLocal)}, {range_of("ff02::/16")});
    }
    but_own_link.on[kRemote] = {{0, 0}};
    areas.push_back(std::move(always));
    areas.push_back(std::move(but_own_link));
}

void add_frames(std::vector<Area>& areas) {
    const std::pair<edgefw_builtin, Spans> all[] = {{EDGEFW_BUILTIN_ARP, {{0x0806, 0x0806}}},
                                                    {EDGEFW_BUILTIN_PPPOE, {{0x8863, 0x8864}}},
                                                    {EDGEFW_BUILTIN_EAPOL, {{0x888e, 0x888e}}}};
    for (const auto& [builtin, types] : all) {
        areas.push_back({builtin});
        areas.back().on[kLocalPort] = types;
    }
}

}  // namespace

std::vector<Restrictions> Rulings::add_builtins(const Plot& plot, const Messages& messages, Lists& lists) {
    std::vector<Area> areas;
    if (!plot.family)
        add_frames(areas);
    else if (messages.protocol == IPPROTO_UDP)
        add_dhcp(plot, areas);
    if (plot.family && plot.side == policy::Side::kExternal && plot.hook == EDGEFW_RECEIVED) add_martians(plot, areas);
    std::vector<Ruling> before, after;
    std::vector<Restrictions> left_out;
    if (!plot.family) {
        Ruling none;
        none.on[kLocalPort] = pool_.keep({{0x0800, 0x0800}, {0x8100, 0x8100}, {0x86dd, 0x86dd}, {0x88a8, 0x88a8}});
        none.kind = Ruling::Kind::kBuiltin;
        none.identity = kNoFrame;
        before.push_back(none);
        after.push_back(none);
    }
    for (Area& area : areas) {
        Ruling ruling;
        for (unsigned axis = 0; axis < kAxes; ++axis) {
            if (!area.on[axis].empty()) ruling.on[axis] = pool_.keep(std::move(area.on[axis]));
        }
        ruling.kind = Ruling::Kind::kBuiltin;
        ruling.number = area.builtin;
        ruling.identity = kFirstBuiltin + area.builtin;
        ruling.action = area.builtin == EDGEFW_BUILTIN_MARTIAN ? Action::kDrop : Action::kPass;
        const std::uint32_t bit = 1u << area.builtin;
        const bool was_on = (before_.policy.builtins & bit) != 0, is_on = (after_.policy.builtins & bit) != 0;
        ruling.changed = was_on != is_on;
        if (was_on && is_on && (area.builtin == EDGEFW_BUILTIN_DHCP || area.builtin == EDGEFW_BUILTIN_DHCPV6)) {
            left_out.push_back(ruling.on);
            continue;
        }
        if (was_on) before.push_back(ruling);
        if (is_on) after.push_back(ruling);
    }
    lists.before.insert(lists.before.begin(), before.begin(), before.end());
    lists.after.insert(lists.after.begin(), after.begin(), after.end());
    return left_out;
}

}  // namespace edgefw::difference
