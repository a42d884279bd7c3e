// SPDX-License-Identifier: GPL-2.0-only
// Finding the rules that may cover a rule. If an earlier rule covers a later one, its local addresses hold the later
// one's first local address, and likewise remote. Every rule is filed under the smallest prefix that holds its
// narrower end; a later rule asks for the prefixes above its own first addresses, of the lengths that are in use.
#include "userspace/check/hidden.h"

#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "userspace/base/parallel.h"
#include "userspace/check/covers.h"
#include "userspace/language/ethertype.h"
#include "userspace/language/values.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kNamedOfOne = 10;              // hidden rules that are named of those behind one
constexpr std::size_t kRulesAtOnce = 4096;           // of one thread
constexpr std::size_t kMostComparisons = 4'000'000;  // of all threads: some tens of milliseconds

struct PrefixKey {
    Side side = Side::kExternal;
    bool is_local = false;
    Prefix prefix;
    bool any = false;  // the end is not restricted (or by a set alone)

    bool operator==(const PrefixKey&) const = default;
};

struct PrefixKeyHash {
    std::size_t operator()(const PrefixKey& key) const {
        const auto value = static_cast<std::uint64_t>(key.prefix.address.value ^ key.prefix.address.value >> 64);
        const auto rest = static_cast<std::uint64_t>(key.prefix.length) << 4 |
                          static_cast<std::uint64_t>(key.any) << 3 | static_cast<std::uint64_t>(key.is_local) << 2 |
                          static_cast<std::uint64_t>(key.side) << 1 |
                          static_cast<std::uint64_t>(key.prefix.address.family);
        return (value * 0x9e3779b97f4a7c15u ^ rest) * 0xff51afd7ed558ccdu >> 8;
    }
};

// The smallest prefix that holds all addresses of `match`; nothing: no prefix does (any, a set, both families).
std::optional<Prefix> smallest_prefix(const AddressMatch& match) {
    if (match.ranges.empty() || !match.sets.empty() || !match.hosts.empty()) return std::nullopt;
    const Address& first = match.ranges.front().first;
    const Address& last = match.ranges.back().last;
    if (first.family != last.family) return std::nullopt;
    int length = width_of(first.family);
    for (uint128 difference = first.value ^ last.value; difference != 0; difference >>= 1)
        --length;
    return Prefix::around(first, length);
}

class CoverIndex {
public:
    // In their order.
    void add(const Rule& rule) {
        const PrefixKey key = key_of(rule);
        lengths_[key.is_local].insert({key.prefix.address.family, key.any ? -1 : key.prefix.length});
        rules_[key].push_back(&rule);
    }

    // The first of the rules before `later`, which is one of them, that covers it; nullptr: none does, or it would take
    // more than `comparisons`.
    const Rule* find_cover(const Rule& later, std::size_t& comparisons) const {
        const Rule* found = nullptr;
        for (const bool is_local : {true, false}) {
            const AddressMatch& match = is_local ? later.local : later.remote;
            for (const auto& [family, length] : lengths_[is_local]) {
                PrefixKey key{later.side, is_local, {}, length < 0};
                if (length >= 0) {
                    if (match.ranges.empty() || match.ranges.front().first.family != family) continue;
                    key.prefix = Prefix::around(match.ranges.front().first, length);
                }
                const Rule* cover = first_cover(key, later, comparisons);
                if (cover != nullptr && (found == nullptr || cover < found)) found = cover;
            }
        }
        return found;
    }

private:
    static PrefixKey key_of(const Rule& rule) {
        const auto local = smallest_prefix(rule.local);
        const auto remote = smallest_prefix(rule.remote);
        const int local_length = local ? local->length : -1;
        const int remote_length = remote ? remote->length : -1;
        const bool is_local = local_length >= remote_length;
        const auto& narrower = is_local ? local : remote;
        return {rule.side, is_local, narrower.value_or(Prefix{}), !narrower.has_value()};
    }

    const Rule* first_cover(const PrefixKey& key, const Rule& later, std::size_t& comparisons) const {
        const auto filed = rules_.find(key);
        if (filed == rules_.end()) return nullptr;
        for (const Rule* earlier : filed->second) {
            if (earlier >= &later || comparisons == 0) return nullptr;
            --comparisons;
            if (covers(*earlier, later)) return earlier;
        }
        return nullptr;
    }

    std::unordered_map<PrefixKey, std::vector<const Rule*>, PrefixKeyHash> rules_;
    std::set<std::pair<Family, int>> lengths_[2];  // in use, by end; -1: any
};

bool is_within(const PortRange& ports, const Forward& forward) {
    return forward.public_port <= ports.first && ports.last < forward.public_port + forward.ports;
}

bool is_on(const Forward& forward, Side side) {
    return (forward.sides & bit_of(side)) != 0;
}

// The rule looks at what cards of its side receive, or send.
bool looks_at(const Rule& rule, edgefw_hook hook) {
    return rule.direction == Direction::kBoth || rule.direction == direction_of(rule.side, hook);
}

// Whether the rule is of what is received for one address, and for which one.
std::optional<Address> received_at(const Rule& rule) {
    if (!looks_at(rule, EDGEFW_RECEIVED)) return std::nullopt;
    if (!rule.local.sets.empty() || !rule.local.hosts.empty() || rule.local.ranges.size() != 1) return std::nullopt;
    const Address& address = rule.local.ranges[0].first;
    return rule.local.ranges[0] == AddressRange::single(address) ? std::optional(address) : std::nullopt;
}

// `forwards` are those of one public address. Returns the one that translates all packets of the rule to these ports
// (nullptr: to all ports), or nullptr if none does. A port forward comes before a static entry.
const Forward* translator(const Rule& rule, const PortRange* ports, const std::vector<const Forward*>& forwards) {
    const Forward* of_address = nullptr;
    for (const Forward* forward : forwards) {
        if (!is_on(*forward, rule.side)) continue;
        if (forward->is_static())
            of_address = forward;
        else if (ports != nullptr && rule.protocol == forward->protocol && is_within(*ports, *forward))
            return forward;
    }
    return of_address;
}

// The forwards that translate all that the rule matches before the rules look, each once; none where it matches
// something that is not translated.
std::vector<const Forward*> translators(const Rule& rule, const std::vector<const Forward*>& forwards) {
    std::vector<const Forward*> all;
    const auto add = [&](const PortRange* ports) {
        const Forward* found = translator(rule, ports, forwards);
        if (found != nullptr && std::find(all.begin(), all.end(), found) == all.end()) all.push_back(found);
        return found != nullptr;
    };
    if (rule.local_port.empty()) {
        add(nullptr);
        return all;
    }
    const bool translated = std::all_of(rule.local_port.begin(), rule.local_port.end(),
                                        [&](const PortRange& ports) { return add(&ports); });
    return translated ? all : std::vector<const Forward*>{};
}

bool takes(const std::vector<PortRange>& ports, std::uint32_t first, std::uint32_t last) {
    return ports.empty() || std::any_of(ports.begin(), ports.end(), [&](const PortRange& range) {
               return range.first <= last && first <= range.last;
           });
}

bool may_name(const AddressMatch& match, const std::vector<AddressRange>& addresses) {
    if (match.any() || !match.sets.empty() || !match.hosts.empty()) return true;  // of a set it is taken for granted
    return std::any_of(match.ranges.begin(), match.ranges.end(), [&](const AddressRange& range) {
        return std::any_of(addresses.begin(), addresses.end(),
                           [&](const AddressRange& address) { return range.overlaps(address); });
    });
}

// Whether the rule can pass some of what the forward brings in on cards of `side`.
bool may_pass(const Rule& rule, const Forward& forward, Side side) {
    if (rule.action != Action::kPass || !rule.is_of_ip() || rule.side != side || !looks_at(rule, EDGEFW_RECEIVED))
        return false;
    if (!may_name(rule.local, {AddressRange::single(forward.target)})) return false;
    if (forward.is_static()) return true;
    return (!rule.protocol || *rule.protocol == forward.protocol) &&
           takes(rule.local_port, forward.target_port, forward.target_port + forward.ports - 1u);
}

// Whether the rule can pass some of what the masquerade sends out.
bool may_pass(const Rule& rule, const Masquerade& masquerade) {
    return rule.action == Action::kPass && rule.is_of_ip() && rule.side == masquerade.side &&
           looks_at(rule, EDGEFW_SENT) && may_name(rule.local, masquerade.from) &&
           (masquerade.to.empty() || may_name(rule.remote, masquerade.to)) &&
           (!rule.protocol || !masquerade.protocol || *rule.protocol == *masquerade.protocol);
}

bool passes_by_default(const Policy& policy, Side side, Direction direction) {
    return policy.defaults[static_cast<int>(side)][static_cast<int>(direction)] == Action::kPass;
}

// What a rule must pass of a NAT entry, on cards of one side at one hook, and how messages speak of it.
struct Need {
    Side side = Side::kExternal;
    edgefw_hook hook = EDGEFW_RECEIVED;
    const Location& where;
    std::string what;    // "the forward 'web' brings in"
    std::string naming;  // what the rule must name: "local 10.0.0.5"
};

// Warns where no rule is `passing` and the default does not pass either.
void warn_if_missing(const Policy& policy, const Need& need, const auto& passing, Diagnostics& diagnostics) {
    const Direction direction = direction_of(need.side, need.hook);
    if (passes_by_default(policy, need.side, direction) ||
        std::any_of(policy.rules.begin(), policy.rules.end(), passing))
        return;
    diagnostics.warning(need.where, need.what + " what no rule passes; add an " + to_text(need.side) + " " +
                                        to_text(direction) + " rule with " + need.naming);
}

// The end inside of what a forward brings in, as a rule names it.
std::string local_of(const Forward& forward) {
    const std::string local = "local " + forward.target.to_text();
    if (forward.is_static()) return local;
    const auto last = static_cast<std::uint16_t>(forward.target_port + forward.ports - 1);
    return local + " and local_port " + to_text(PortRange{forward.target_port, last});
}

// Who is inside uses it by the same hook of internal cards, whatever passes it outside.
void warn_of_hairpin_without_rule(const Policy& policy, const Forward& forward, Diagnostics& diagnostics) {
    for (const Masquerade& hairpin : policy.masquerades) {
        if (hairpin.forward != forward.id) continue;
        const auto passing = [&](const Rule& rule) {
            return may_pass(rule, forward, Side::kInternal) && may_name(rule.remote, hairpin.from);
        };
        warn_if_missing(
            policy,
            {Side::kInternal, EDGEFW_RECEIVED, hairpin.where, "the hairpin of '" + forward.id + "' brings in",
             local_of(forward) + " and remote " + hairpin.from[0].to_text()},
            passing, diagnostics);
    }
}

}  // namespace

void warn_of_nat_without_rule(const Policy& policy, Diagnostics& diagnostics) {
    for (const Forward& forward : policy.forwards) {
        const Side side = is_on(forward, Side::kExternal) ? Side::kExternal : Side::kInternal;
        const std::string type = forward.is_static() ? "static entry" : "forward";
        warn_if_missing(
            policy,
            {side, EDGEFW_RECEIVED, forward.where, "the " + type + " '" + forward.id + "' brings in",
             local_of(forward)},
            [&](const Rule& rule) { return may_pass(rule, forward, side); }, diagnostics);
        if (side == Side::kExternal && is_on(forward, Side::kInternal))
            warn_of_hairpin_without_rule(policy, forward, diagnostics);
    }
    for (const Masquerade& masquerade : policy.masquerades) {
        warn_if_missing(
            policy,
            {masquerade.side, EDGEFW_SENT, masquerade.where, "the masquerade '" + masquerade.id + "' sends out",
             "local " + masquerade.from[0].to_text()},
            [&](const Rule& rule) { return may_pass(rule, masquerade); }, diagnostics);
    }
}

void warn_of_hidden_rules(const Policy& policy, Diagnostics& diagnostics) {
    CoverIndex index;
    for (const Rule& rule : policy.rules)
        index.add(rule);
    const std::vector<Rule>& rules = policy.rules;
    std::vector<const Rule*> covers(rules.size());
    const std::size_t parts = (rules.size() + kRulesAtOnce - 1) / kRulesAtOnce;
    in_parallel(parts, [&](std::size_t part) {
        const std::size_t end = std::min(rules.size(), (part + 1) * kRulesAtOnce);
        std::size_t comparisons = kMostComparisons / parts;  // the same ones in each run, whatever the threads do
        for (std::size_t i = part * kRulesAtOnce; i < end && comparisons > 0; ++i)
            covers[i] = index.find_cover(rules[i], comparisons);
    });
    std::unordered_map<const Rule*, std::size_t> hidden;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (covers[i] == nullptr || ++hidden[covers[i]] > kNamedOfOne) continue;
        diagnostics.warning(rules[i].where, "the rule '" + rules[i].id + "' never decides: '" + covers[i]->id +
                                                "' before it matches all of its packets; move it up or remove it");
    }
    for (const Rule& rule : rules) {
        const auto found = hidden.find(&rule);
        if (found == hidden.end() || found->second <= kNamedOfOne) continue;
        diagnostics.warning(rule.where, "'" + rule.id + "' matches all packets of " +
                                            std::to_string(found->second - kNamedOfOne) +
                                            " further rules behind it, which never decide; move it down");
    }
}

void warn_of_rules_behind_nat(const Policy& policy, Diagnostics& diagnostics) {
    std::map<Address, std::vector<const Forward*>> by_public;
    for (const Forward& forward : policy.forwards)
        by_public[forward.public_address].push_back(&forward);
    if (by_public.empty()) return;
    for (const Rule& rule : policy.rules) {
        const auto address = received_at(rule);
        const auto found = address ? by_public.find(*address) : by_public.end();
        if (found == by_public.end()) continue;
        for (const Forward* forward : translators(rule, found->second)) {
            diagnostics.warning(rule.where, "the rule '" + rule.id + "' does not see what arrives at " +
                                                forward->public_address.to_text() + ": '" + forward->id +
                                                "' translates it before the rules look; name the target " +
                                                forward->target.to_text() + " as local");
        }
    }
}

void warn_of_rules_behind_builtins(const Policy& policy, Diagnostics& diagnostics) {
    struct Passed {
        edgefw_builtin builtin;
        std::string_view key;
        EthertypeRange range;
    };
    static constexpr Passed kPassed[] = {{EDGEFW_BUILTIN_ARP, "arp", {0x0806, 0x0806}},
                                         {EDGEFW_BUILTIN_PPPOE, "pppoe", {0x8863, 0x8863}},
                                         {EDGEFW_BUILTIN_PPPOE, "pppoe", {0x8864, 0x8864}},
                                         {EDGEFW_BUILTIN_EAPOL, "eapol", {0x888e, 0x888e}}};
    for (const Rule& rule : policy.rules) {
        for (const Passed& passed : kPassed) {
            const bool on = (policy.builtins >> passed.builtin & 1) != 0;
            if (!on || std::find(rule.ethertypes.begin(), rule.ethertypes.end(), passed.range) == rule.ethertypes.end())
                continue;
            const std::string key(passed.key);
            diagnostics.warning(rule.where,
                                "the rule '" + rule.id + "' never sees " + to_text(passed.range) + ": builtin/" + key +
                                    " passes it before the rules look; add `builtins: { " + key + ": off }`");
        }
    }
}

}  // namespace edgefw::policy
