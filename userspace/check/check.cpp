// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "maps/limits.h"
#include "maps/reasons.h"
#include "userspace/base/parallel.h"
#include "userspace/check/check_nat.h"
#include "userspace/check/check_overlaps.h"
#include "userspace/check/check_rule.h"
#include "userspace/check/hidden.h"
#include "userspace/check/partly_hidden.h"
#include "userspace/check/settings.h"
#include "userspace/language/fields.h"
#include "userspace/language/keys.h"
#include "userspace/language/suggest.h"
#include "userspace/language/values.h"
#include "userspace/policy/reasons.h"
#include "userspace/profile/constraint.h"

namespace edgefw::policy {
namespace {

// Ids are unique over rules and NAT entries: both have counters by id.
class Ids {
public:
    explicit Ids(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    // No further id comes. With errors up to here not all ids are known, and an unknown one may be right.
    void close() { complete_ = diagnostics_.ok(); }

    void add(const std::string& id, const Location& where) {
        const auto [first, is_new] = places_.emplace(id, where);
        if (is_new) return;
        diagnostics_.error(where, "the id '" + id + "' is taken by " + first->second.to_text() +
                                      "; ids carry counters and must be unique, rename one");
    }

    // Reports a name that is no id of a rule, NAT entry or built-in.
    void need(const Node& name) const {
        const std::string id = read_text(name, "a rule's id", diagnostics_);
        if (!name.is_scalar() || !complete_ || places_.contains(id)) return;
        std::vector<std::string_view> known(kBuiltinIds.begin(), kBuiltinIds.end());
        for (const std::string_view builtin : kBuiltinIds) {
            if (builtin == id) return;
        }
        for (const auto& [place_id, where] : places_)
            known.push_back(place_id);
        const std::string_view near = nearest(id, known);
        diagnostics_.error(name, "no rule has the id " + describe(name) +
                                     (near.empty() ? "; `edgefw show FILE` lists them"
                                                   : "; did you mean '" + std::string(near) + "'?"));
    }

private:
    Diagnostics& diagnostics_;
    std::unordered_map<std::string, Location> places_;
    bool complete_ = false;
};

void check_test(const Node& node, const Ids& ids, Policy& policy, Diagnostics& diagnostics) {
    const Fields fields(node, kTestKeys, "a test", diagnostics);
    if (!fields.is_map()) return;
    PolicyTest test;
    test.where = node.where();
    if (const Node* packet = fields.need("packet")) test.packet = read_text(*packet, "a packet", diagnostics);
    if (const Node* expect = fields.need("expect")) {
        test.expect = read_word(*expect, kActions, "a verdict", diagnostics).value_or(Action::kDrop);
    }
    if (const Node* rule = fields.find("rule")) {
        ids.need(*rule);
        test.rule = rule->text;
    }
    if (const Node* reason = fields.find("reason")) {
        test.reason = reason->text;
        bool known = false;
        for (const std::string_view name : kReasonNames)
            known = known || name == reason->text;
        if (!known)
            diagnostics.error(*reason, describe(*reason) + " is not a reason" + suggestion(reason->text, kReasonNames));
    }
    policy.tests.push_back(std::move(test));
}

void check_tests(const Node* list, const Ids& ids, Policy& policy, Diagnostics& diagnostics) {
    if (list == nullptr || list->kind == Node::Kind::kNull) return;
    if (!list->is_list()) {
        diagnostics.error(*list, "`tests:` is a list, this is " + describe(*list) + "; start each item with '- '");
        return;
    }
    for (const Node& test : list->items)
        check_test(test, ids, policy, diagnostics);
}

// Each rule is checked on its own, so many can be at the same time. Those that are wrong are left out.
void check_rules(const std::vector<Item>& items, Policy& policy, Diagnostics& diagnostics) {
    constexpr std::size_t kAtOnce = 1024;  // of one thread
    const std::size_t parts = (items.size() + kAtOnce - 1) / kAtOnce;
    std::vector<Diagnostics> found(parts);
    std::vector<std::uint8_t> good(items.size());
    policy.rules.resize(items.size());
    const SetIndex sets(policy.sets);
    in_parallel(parts, [&](std::size_t part) {
        const std::size_t end = std::min(items.size(), (part + 1) * kAtOnce);
        for (std::size_t i = part * kAtOnce; i < end; ++i) {
            auto rule = check_rule(items[i], sets, found[part]);
            if (!rule) continue;
            policy.rules[i] = std::move(*rule);
            good[i] = 1;
        }
    });
    for (Diagnostics& of_part : found)
        diagnostics.append(std::move(of_part));
    const Rule* const first = policy.rules.data();
    std::erase_if(policy.rules, [&](const Rule& rule) { return good[static_cast<std::size_t>(&rule - first)] == 0; });
}

// The hosts that rules name, without addresses yet.
std::vector<Host> hosts_of(const Policy& policy) {
    std::set<std::string> names;
    for (const Rule& rule : policy.rules) {
        names.insert(rule.local.hosts.begin(), rule.local.hosts.end());
        names.insert(rule.remote.hosts.begin(), rule.remote.hosts.end());
    }
    std::vector<Host> hosts;
    for (const std::string& name : names)
        hosts.push_back({name, {}, 0, 0, "", policy.names_keep});
    return hosts;
}

}  // namespace

Policy check(const Node& root, const Expansion& expansion, const std::vector<SetFile>& files,
             Diagnostics& diagnostics) {
    Policy policy;
    const Fields fields(root, kPolicyKeys, "a policy", diagnostics);
    if (!fields.is_map()) return policy;
    check_settings(root, files, policy, diagnostics);
    if (const Node* rules = fields.find("rules"); rules != nullptr && rules->kind == Node::Kind::kNull)
        diagnostics.warning(rules->where(), "`rules:` holds no rule: the defaults alone decide");
    Ids ids(diagnostics);
    check_rules(expansion.rules, policy, diagnostics);
    for (const Rule& rule : policy.rules)
        ids.add(rule.id, rule.where);
    policy.hosts = hosts_of(policy);
    if (policy.hosts.size() > EDGEFW_MAX_HOSTS) {
        diagnostics.error(root, "the rules name " + std::to_string(policy.hosts.size()) + " hosts, more than " +
                                    std::to_string(EDGEFW_MAX_HOSTS) + "; name the others by their addresses");
    }
    for (const Item& item : expansion.nat) {
        Nat nat = check_nat(item, diagnostics);
        for (Forward& forward : nat.forwards) {
            ids.add(forward.id, forward.where);
            policy.forwards.push_back(std::move(forward));
        }
        for (Masquerade& masquerade : nat.masquerades) {
            ids.add(masquerade.id, masquerade.where);
            policy.masquerades.push_back(std::move(masquerade));
        }
    }
    std::stable_partition(policy.masquerades.begin(), policy.masquerades.end(),
                          [](const Masquerade& masquerade) { return masquerade.is_of_forward(); });
    check_overlaps(policy, diagnostics);
    check_constraints(expansion.uses, policy, diagnostics);
    ids.close();
    check_tests(fields.find("tests"), ids, policy, diagnostics);
    if (diagnostics.ok()) {
        warn_of_hidden_rules(policy, diagnostics);
        warn_of_partly_hidden_rules(policy, diagnostics);
        warn_of_rules_behind_nat(policy, diagnostics);
        warn_of_rules_behind_builtins(policy, diagnostics);
        warn_of_nat_without_rule(policy, diagnostics);
    }
    return policy;
}

}  // namespace edgefw::policy
