// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/partly_hidden.h"

#include <netinet/in.h>

#include <algorithm>

#include "userspace/check/covers.h"
#include "userspace/language/values.h"
#include "userspace/policy/words.h"

namespace edgefw::policy {
namespace {

// Of each action: some tens of milliseconds.
constexpr std::size_t kMaxGlances = 20'000'000;
constexpr std::size_t kMaxComparisons = 100'000;
constexpr std::size_t kMaxWarnings = 20;  // a list of addresses to drop may be a thousand rules

bool matches_no_opener(const Rule& rule) {
    const auto is_reply = [](const IcmpMatch& match) { return match.type == 0 || match.type == 129; };
    return rule.established || (rule.tcp_flags && !rule.tcp_flags->may_open()) ||
           (!rule.icmp.empty() && std::all_of(rule.icmp.begin(), rule.icmp.end(), is_reply));
}

template <typename T>
bool agree(const std::optional<T>& a, const std::optional<T>& b) {
    return !a || !b || a == b;
}

// The ports that both name. Nothing: they have none in common.
std::optional<std::vector<PortRange>> common_ports(const std::vector<PortRange>& a, const std::vector<PortRange>& b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    std::vector<PortRange> common;
    for (const PortRange& one : a) {
        for (const PortRange& other : b) {
            if (one.first <= other.last && other.first <= one.last)
                common.push_back({std::max(one.first, other.first), std::min(one.last, other.last)});
        }
    }
    if (common.empty()) return std::nullopt;
    return common;
}

std::optional<std::vector<IcmpMatch>> common_icmp(const std::vector<IcmpMatch>& a, const std::vector<IcmpMatch>& b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    std::vector<IcmpMatch> common;
    for (const IcmpMatch& one : a) {
        for (const IcmpMatch& other : b) {
            if (one.type == other.type && agree(one.code, other.code))
                common.push_back({one.type, one.code ? one.code : other.code});
        }
    }
    if (common.empty()) return std::nullopt;
    return common;
}

// Addresses that the later rule names at one end and that the earlier one takes whole.
struct CommonEnd {
    AddressMatch match;                               // any(): both name all
    std::optional<Address> address[EDGEFW_FAMILIES];  // a sample
    bool unknown = false;                             // a host by name, a set without members

    bool may_be(Family family) const { return unknown || address[static_cast<int>(family)].has_value(); }
};

CommonEnd common_end(const AddressMatch& earlier, const AddressMatch& later, const std::vector<Set>& sets,
                     bool is_local) {
    CommonEnd common;
    const auto add = [&](const Address& address) {
        auto& known = common.address[static_cast<int>(address.family)];
        if (!known) known = address;
    };
    const auto takes = [&](const std::vector<std::string>& names, const std::string& name) {
        return earlier.any() || std::find(names.begin(), names.end(), name) != names.end();
    };
    if (later.any()) {
        if (!earlier.any()) return common;
        add(*Address::parse(is_local ? "192.0.2.10" : "198.51.100.9"));
        add(*Address::parse(is_local ? "2001:db8::10" : "2001:db8:9::9"));
    }
    for (const AddressRange& range : later.ranges) {
        const auto holds = [&](const AddressRange& wider) { return wider.contains(range); };
        if (!earlier.any() && std::none_of(earlier.ranges.begin(), earlier.ranges.end(), holds)) continue;
        common.match.ranges.push_back(range);
        add(range.first);
    }
    for (const std::string& name : later.sets) {
        if (!takes(earlier.sets, name)) continue;
        common.match.sets.push_back(name);
        const auto set = std::find_if(sets.begin(), sets.end(), [&](const Set& known) { return known.name == name; });
        common.unknown |= set == sets.end() || set->members.empty();
        if (set == sets.end()) continue;
        for (const AddressRange& member : set->members)
            add(member.first);
    }
    for (const std::string& name : later.hosts) {
        if (!takes(earlier.hosts, name)) continue;
        common.match.hosts.push_back(name);
        common.unknown = true;
    }
    return common;
}

std::string end_text(const Address& address, std::optional<std::uint16_t> port) {
    if (!port) return address.to_text();
    const bool ipv6 = address.family == Family::kIpv6;
    return (ipv6 ? "[" + address.to_text() + "]" : address.to_text()) + ":" + std::to_string(*port);
}

// What a rule takes from one of the other action behind it.
class Taken {
public:
    Taken(const Rule& earlier, const Rule& later, const std::vector<Set>& sets)
        : local_(common_end(earlier.local, later.local, sets, true)),
          remote_(common_end(earlier.remote, later.remote, sets, false)) {
        const auto local_port = common_ports(earlier.local_port, later.local_port);
        const auto remote_port = common_ports(earlier.remote_port, later.remote_port);
        const auto icmp = common_icmp(earlier.icmp, later.icmp);
        part_.side = later.side;
        part_.direction = earlier.direction == Direction::kBoth ? later.direction : earlier.direction;
        part_.protocol = earlier.protocol ? earlier.protocol : later.protocol;
        is_something_ = local_port && remote_port && icmp && agree(earlier.vlan, later.vlan) &&
                        (may_be(Family::kIpv4) || may_be(Family::kIpv6));
        if (!is_something_) return;
        part_.vlan = earlier.vlan ? earlier.vlan : later.vlan;
        part_.local_port = *local_port;
        part_.remote_port = *remote_port;
        part_.icmp = *icmp;
        part_.local = local_.match;
        part_.remote = remote_.match;
        part_.action = Action::kPass;  // and keeps state: of openers alone
    }

    bool is_something() const { return is_something_; }

    // As a rule: what opens a connection.
    const Rule& part() const { return part_; }

    // In packet notation; empty: no packet can be named.
    std::string example() const {
        for (const Family family : {Family::kIpv4, Family::kIpv6}) {
            const auto& local = local_.address[static_cast<int>(family)];
            const auto& remote = remote_.address[static_cast<int>(family)];
            if (local && remote && may_be(family)) return packet(*local, *remote);
        }
        return "";
    }

private:
    bool may_be(Family family) const {
        if (part_.protocol == IPPROTO_ICMP && family == Family::kIpv6) return false;
        if (part_.protocol == IPPROTO_ICMPV6 && family == Family::kIpv4) return false;
        return local_.may_be(family) && remote_.may_be(family);
    }

    std::string packet(const Address& local, const Address& remote) const {
        const std::uint8_t number = part_.protocol.value_or(IPPROTO_TCP);
        const Direction one = part_.direction == Direction::kBoth ? Direction::kInbound : part_.direction;
        const bool received = hook_of(part_.side, one) == EDGEFW_RECEIVED;
        const auto port = [&](const std::vector<PortRange>& ports, bool opens) -> std::optional<std::uint16_t> {
            if (!has_ports(number)) return std::nullopt;
            if (!ports.empty()) return ports.front().first;
            return opens ? 40000 : 443;
        };
        const std::string local_end = end_text(local, port(part_.local_port, !received));
        const std::string remote_end = end_text(remote, port(part_.remote_port, received));
        std::string text = std::string(to_text(part_.side)) + " " + to_text(one) + " " + protocol_text(number) + " " +
                           (received ? remote_end : local_end) + " > " + (received ? local_end : remote_end);
        if (number == IPPROTO_ICMP || number == IPPROTO_ICMPV6) text += " " + icmp_text(number);
        if (part_.vlan) text += " vlan " + std::to_string(*part_.vlan);
        return text;
    }

    std::string icmp_text(std::uint8_t protocol) const {
        const IcmpMatch echo{static_cast<std::uint8_t>(protocol == IPPROTO_ICMPV6 ? 128 : 8), {}};
        return to_text(part_.icmp.empty() ? echo : part_.icmp.front(), protocol);
    }

    CommonEnd local_;
    CommonEnd remote_;
    Rule part_;
    bool is_something_ = false;
};

// What is looked at first of each pair, small and cheap: most have nothing in common.
struct Outline {
    // All addresses that a rule names at one end lie in it. Those of sets and hosts may be any.
    struct End {
        std::uint32_t low = 0;
        std::uint32_t high = UINT32_MAX;
    };

    explicit Outline(const Rule& of)
        : rule(&of),
          local(around(of.local)),
          remote(around(of.remote)),
          protocol(static_cast<std::int16_t>(of.protocol ? *of.protocol : -1)),
          hooks(static_cast<std::uint8_t>((of.direction == Direction::kBoth ? 3 : 1u << static_cast<int>(of.direction))
                                          << (of.side == Side::kExternal ? 0 : 2))) {}

    // "No" is never wrong.
    bool may_take(const Outline& later) const {
        return local.low <= later.local.high && later.local.low <= local.high && remote.low <= later.remote.high &&
               later.remote.low <= remote.high && (hooks & later.hooks) != 0 &&
               (protocol == later.protocol || protocol < 0 || later.protocol < 0);
    }

    const Rule* rule;
    End local;
    End remote;
    std::int16_t protocol;
    std::uint8_t hooks;  // a bit for each side and direction

private:
    // In the order of addresses, though many have the same.
    static std::uint32_t place_of(const Address& address) {
        if (address.family == Family::kIpv4) return static_cast<std::uint32_t>(address.value) >> 1;
        return 1u << 31 | static_cast<std::uint32_t>(address.value >> 97);
    }

    static End around(const AddressMatch& match) {
        if (match.ranges.empty() || !match.sets.empty() || !match.hosts.empty()) return {};
        End end{UINT32_MAX, 0};
        for (const AddressRange& range : match.ranges) {
            end.low = std::min(end.low, place_of(range.first));
            end.high = std::max(end.high, place_of(range.last));
        }
        return end;
    }
};

// Which of the rules up to here may have addresses in common with a further one. The line of places is cut in parts, in
// each of which as many rules of the policy begin; most rules lie in one part, and are looked for there alone.
class Index {
public:
    explicit Index(std::vector<std::uint32_t> lows) {
        constexpr std::size_t kParts = 256;
        std::sort(lows.begin(), lows.end());
        for (std::size_t part = 1; part < kParts && !lows.empty(); ++part)
            cuts_.push_back(lows[part * lows.size() / kParts]);
        cuts_.erase(std::unique(cuts_.begin(), cuts_.end()), cuts_.end());
        parts_.resize(cuts_.size() + 1);
    }

    void add(std::uint32_t number, const Outline::End& end) {
        all_.push_back(number);
        const std::size_t first = part_of(end.low);
        (first == part_of(end.high) ? parts_[first] : wide_).push_back(number);
    }

    // In the order in which they were added. Valid until the next call.
    const std::vector<std::uint32_t>& near(const Outline::End& end) {
        const std::size_t first = part_of(end.low);
        if (first != part_of(end.high)) return all_;
        found_.clear();
        std::merge(wide_.begin(), wide_.end(), parts_[first].begin(), parts_[first].end(), std::back_inserter(found_));
        return found_;
    }

private:
    std::size_t part_of(std::uint32_t place) const {
        return static_cast<std::size_t>(std::upper_bound(cuts_.begin(), cuts_.end(), place) - cuts_.begin());
    }

    std::vector<std::uint32_t> cuts_;  // the first places of all parts but the first
    std::vector<std::vector<std::uint32_t>> parts_;
    std::vector<std::uint32_t> wide_;  // in several parts
    std::vector<std::uint32_t> all_;
    std::vector<std::uint32_t> found_;
};

// Whether a range that `later` names lies in a wider one that `earlier` names.
bool names_wider(const AddressMatch& earlier, const AddressMatch& later) {
    return std::any_of(earlier.ranges.begin(), earlier.ranges.end(), [&](const AddressRange& wider) {
        return std::any_of(later.ranges.begin(), later.ranges.end(),
                           [&](const AddressRange& range) { return wider.contains(range) && wider != range; });
    });
}

bool names_wider(const std::vector<PortRange>& earlier, const std::vector<PortRange>& later) {
    return std::any_of(earlier.begin(), earlier.end(), [&](const PortRange& wider) {
        return std::any_of(later.begin(), later.end(), [&](const PortRange& range) {
            return wider.first <= range.first && range.last <= wider.last && wider != range;
        });
    });
}

// Whether a drop of one direction leaves nothing of a pass rule there, which names both.
bool takes_a_direction(const Rule& drop, const Rule& pass) {
    if (pass.direction != Direction::kBoth || drop.direction == Direction::kBoth) return false;
    // Cheap, and true of few: what stands in the way of a copy for each pair.
    if ((!drop.local.any() && pass.local.any()) || (!drop.remote.any() && pass.remote.any())) return false;
    Rule half = pass;
    half.direction = drop.direction;
    return covers(drop, half);
}

// A drop in front of a pass rule is mostly meant: it shuts hosts or services out of all that follows. Not where it is
// the pass rule that singles out hosts or ports of those that the drop names, nor where it takes a whole direction.
bool singles_out(const Rule& drop, const Rule& pass) {
    return names_wider(drop.local, pass.local) || names_wider(drop.remote, pass.remote) ||
           names_wider(drop.local_port, pass.local_port) || names_wider(drop.remote_port, pass.remote_port) ||
           takes_a_direction(drop, pass);
}

// A pass rule without state for segments by their flags is the other half of a connection, not a service.
bool is_half_of_a_connection(const Rule& pass) {
    return pass.established || (pass.tcp_flags && pass.state == State::kNone);
}

bool passes_all_openers(Rule pass, const Rule& drop) {
    pass.state = State::kNone;
    return covers(pass, drop);
}

std::string message(const Rule& earlier, const Rule& later, const Taken& taken) {
    const std::string example = taken.example();
    const std::string such = example.empty() ? "" : ", such as '" + example + "'";
    if (later.action == Action::kPass) {
        return "the rule '" + later.id + "' does not pass all that it names: '" + earlier.id +
               "' before it drops a part" + such + "; move it up, or narrow the other";
    }
    if (passes_all_openers(earlier, later)) {
        return "the rule '" + later.id + "' drops nothing that opens a connection: '" + earlier.id +
               "' before it passes all of that" + such + "; move it up or remove it";
    }
    return "the rule '" + later.id + "' does not drop all that it names: '" + earlier.id + "' before it passes a part" +
           such + "; move it up, or narrow the other";
}

// Looks at the rules in their order, and warns of those that come too late.
class Order {
public:
    Order(const Policy& policy, Diagnostics& diagnostics) : policy_(policy), diagnostics_(diagnostics) {
        for (const Rule& rule : policy.rules) {
            const bool passes = rule.action == Action::kPass;
            if (rule.is_of_ip() && !(passes ? is_half_of_a_connection(rule) : matches_no_opener(rule)))
                outlines_.emplace_back(rule);
        }
        end_ = names_more(&Outline::local) >= names_more(&Outline::remote) ? &Outline::local : &Outline::remote;
        std::vector<std::uint32_t> lows;
        for (const Outline& outline : outlines_)
            lows.push_back((outline.*end_).low);
        passes_.index = drops_.index = Index(std::move(lows));
    }

    void check() {
        for (std::uint32_t number = 0; number < outlines_.size(); ++number) {
            const Outline& outline = outlines_[number];
            const bool passes = outline.rule->action == Action::kPass;
            Rules& alike = passes ? passes_ : drops_;
            compare(outline, passes ? drops_ : passes_, alike);
            alike.index.add(number, outline.*end_);
        }
        count(passes_, "pass", "drop");
        count(drops_, "drop", "pass");
    }

private:
    // The rules of one action up to here, and those among them that come too late.
    struct Rules {
        Index index{{}};
        std::size_t glances = 0;
        std::size_t comparisons = 0;
        std::size_t late = 0;
        const Rule* first_unsaid = nullptr;
    };

    // How many rules do not name all addresses at an end.
    std::ptrdiff_t names_more(Outline::End Outline::*end) const {
        return std::count_if(outlines_.begin(), outlines_.end(), [&](const Outline& outline) {
            return (outline.*end).low != 0 || (outline.*end).high != UINT32_MAX;
        });
    }

    // Whether a rule of `alike` decides about what `earlier` would take before that does.
    bool is_taken_before(const Rule& earlier, const Taken& taken, Rules& alike) const {
        const Outline part(taken.part());
        for (const std::uint32_t number : alike.index.near(part.*end_)) {
            const Outline& other = outlines_[number];
            if (other.rule > &earlier || ++alike.glances > kMaxGlances) return false;
            if (!other.may_take(part)) continue;
            if (++alike.comparisons > kMaxComparisons) return false;
            if (covers(*other.rule, taken.part())) return true;
        }
        return false;
    }

    // `earlier` are the rules of the other action, `alike` those of the same one, before `later`; the first of the
    // earlier ones that takes something is told.
    void compare(const Outline& later, Rules& earlier, Rules& alike) {
        const Rule& rule = *later.rule;
        for (const std::uint32_t number : earlier.index.near(later.*end_)) {
            const Outline& outline = outlines_[number];
            if (++alike.glances > kMaxGlances) return;
            if (!outline.may_take(later)) continue;
            if (++alike.comparisons > kMaxComparisons) return;
            const Rule* const other = outline.rule;
            if (rule.action == Action::kPass && !singles_out(*other, rule)) continue;
            if (covers(rule, *other)) continue;
            if (covers(*other, rule)) return;
            const Taken taken(*other, rule, policy_.sets);
            if (!taken.is_something() || is_taken_before(*other, taken, alike)) continue;
            if (++alike.late <= kMaxWarnings) {
                diagnostics_.warning(rule.where, message(*other, rule, taken));
            } else if (alike.first_unsaid == nullptr) {
                alike.first_unsaid = &rule;
            }
            return;
        }
    }

    void count(const Rules& rules, const std::string& action, const std::string& other) {
        if (rules.first_unsaid == nullptr) return;
        const std::size_t more = rules.late - kMaxWarnings;
        diagnostics_.warning(rules.first_unsaid->where, std::to_string(more) + " more " + action +
                                                            (more == 1 ? " rule comes" : " rules come") + " behind " +
                                                            other + " rules in the same way, from '" +
                                                            rules.first_unsaid->id + "' on");
    }

    const Policy& policy_;
    Diagnostics& diagnostics_;
    std::vector<Outline> outlines_;  // of the rules that are compared
    Outline::End Outline::*end_;     // by which they are found
    Rules passes_;
    Rules drops_;
};

}  // namespace

void warn_of_partly_hidden_rules(const Policy& policy, Diagnostics& diagnostics) {
    Order(policy, diagnostics).check();
}

}  // namespace edgefw::policy
