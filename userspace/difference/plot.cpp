// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/plot.h"

#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "userspace/image/rules.h"
#include "userspace/policy/words.h"

namespace edgefw::difference {
namespace {

using policy::Policy;
using policy::Rule;

constexpr std::uint8_t kSyn = 0x02, kAsked = 0x17, kAckOrRst = 0x14;
constexpr Span kNeighbourDiscovery{133, 137}, kListeners{130, 132};
constexpr std::uint8_t kListenerReport = 143;

bool is_icmp(std::uint8_t protocol, Family family) {
    return family == Family::kIpv4 ? protocol == IPPROTO_ICMP : protocol == IPPROTO_ICMPV6;
}

bool keeps(const Rule& rule) {
    return rule.action == policy::Action::kPass && rule.state == policy::State::kKeep;
}

bool holds(const policy::TcpFlags& asked, std::uint8_t flags) {
    return (flags & asked.mask) == asked.value;
}

// The rules of both policies that look at the plot.
std::vector<const Rule*> rules_of(const Plot& plot, const Policy& before, const Policy& after) {
    std::vector<const Rule*> rules;
    for (const Policy* policy : {&before, &after}) {
        for (const Rule& rule : policy->rules) {
            if (plot.has(rule)) rules.push_back(&rule);
        }
    }
    return rules;
}

void add(Spans& spans, std::uint32_t value) {
    if (!spans.empty() && spans.back().high + 1 == value)
        spans.back().high = value;
    else
        spans.push_back({value, value});
}

void add_tcp(const std::vector<const Rule*>& rules, std::vector<Messages>& all) {
    std::set<std::pair<std::uint8_t, std::uint8_t>> asked;
    for (const Rule* rule : rules) {
        if (rule->tcp_flags) asked.emplace(rule->tcp_flags->mask, rule->tcp_flags->value);
    }
    std::map<std::vector<bool>, Messages> kinds;
    for (std::uint32_t flags = 0; flags < 256; ++flags) {
        const bool opens = (flags & kAsked) == kSyn;
        std::vector<bool> answers = {!opens, (flags & kAckOrRst) != 0};
        for (const auto& [mask, value] : asked)
            answers.push_back((flags & mask) == value);
        Messages& kind = kinds.try_emplace(answers, Messages{IPPROTO_TCP, {}, opens, opens}).first->second;
        add(kind.details, flags);
    }
    for (auto& [answers, kind] : kinds)
        all.push_back(std::move(kind));
}

std::optional<edgefw_builtin> passed_by_hops(Family family, std::uint32_t type) {
    if (family == Family::kIpv4) return std::nullopt;
    if (kNeighbourDiscovery.covers({type, type})) return EDGEFW_BUILTIN_ND;
    if (kListeners.covers({type, type}) || type == kListenerReport) return EDGEFW_BUILTIN_MLD;
    return std::nullopt;
}

void add_icmp(Family family, const std::vector<const Rule*>& rules, std::vector<Messages>& all) {
    const auto protocol = static_cast<std::uint8_t>(family == Family::kIpv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
    const std::uint32_t request = family == Family::kIpv4 ? 8 : 128, reply = family == Family::kIpv4 ? 0 : 129;
    std::set<std::pair<std::uint32_t, std::uint32_t>> asked;  // first and last of type << 8 | code
    for (const Rule* rule : rules) {
        if (rule->protocol != protocol) continue;
        for (const policy::IcmpMatch& match : rule->icmp) {
            const std::uint32_t type = std::uint32_t{match.type} << 8;
            asked.emplace(type | match.code.value_or(0), type | match.code.value_or(0xff));
        }
    }
    // Where the answers may change: at the types that have a meaning of their own, and at what the rules name.
    std::set<std::uint32_t> begins = {0};
    for (std::uint32_t type : {request, reply, 130u, 133u, 138u, std::uint32_t{kListenerReport}}) {
        begins.insert(type << 8);
        begins.insert((type + 1) << 8);
    }
    for (const auto& [first, last] : asked)
        begins.insert({first, last + 1});
    begins.erase(begins.lower_bound(0x10000), begins.end());
    std::map<std::tuple<bool, bool, int, std::vector<bool>>, Messages> kinds;
    for (auto begin = begins.begin(); begin != begins.end(); ++begin) {
        const auto next = std::next(begin);
        const Span span{*begin, next == begins.end() ? 0xffff : *next - 1};
        const std::uint32_t type = *begin >> 8;
        const auto hops = passed_by_hops(family, type);
        std::vector<bool> answers;
        for (const auto& [first, last] : asked)
            answers.push_back(first <= *begin && *begin <= last);
        Messages fresh{protocol, {}, type == request, type != reply, hops};
        Messages& kind =
            kinds
                .try_emplace({fresh.opens, fresh.may_be_kept, hops ? static_cast<int>(*hops) : -1, answers},
                             std::move(fresh))
                .first->second;
        kind.details.push_back(span);
    }
    for (auto& [answers, kind] : kinds) {
        kind.details = merged(std::move(kind.details));
        all.push_back(std::move(kind));
    }
}

}  // namespace

bool Plot::has(const Rule& rule) const {
    if (!image::applies(rule, side, hook)) return false;
    return family ? image::applies(rule, *family) : !rule.is_of_ip();
}

bool Messages::has_ports() const {
    return protocol && policy::has_ports(*protocol);
}

std::vector<Plot> all_plots() {
    std::vector<Plot> plots;
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            plots.push_back({side, hook, Family::kIpv4});
            plots.push_back({side, hook, Family::kIpv6});
            plots.push_back({side, hook, std::nullopt});
        }
    }
    return plots;
}

Span everything(const Plot& plot, Axis axis) {
    if (axis == kVlan) return {0, 4094};
    if (!plot.family) return axis == kLocalPort ? Span{0, 0xffff} : Span{0, 0};
    if (axis == kLocalPort || axis == kRemotePort) return {0, 0xffff};
    return {0, plot.family == Family::kIpv4 ? uint128{0xffffffff} : ~uint128{0}};
}

Box everything(const Plot& plot) {
    Box box;
    for (unsigned axis = 0; axis < kAxes; ++axis)
        box[axis] = everything(plot, static_cast<Axis>(axis));
    return box;
}

std::vector<Messages> messages_of(const Plot& plot, const Policy& before, const Policy& after) {
    if (!plot.family) return {Messages{}};
    const std::vector<const Rule*> rules = rules_of(plot, before, after);
    std::set<std::uint8_t> named = {IPPROTO_TCP, IPPROTO_UDP};
    if (plot.family == Family::kIpv4) named.insert(IPPROTO_IGMP);
    for (const Rule* rule : rules) {
        if (rule->protocol) named.insert(*rule->protocol);
    }
    for (const Policy* policy : {&before, &after}) {
        for (const policy::Masquerade& masquerade : policy->masquerades) {
            if (masquerade.protocol) named.insert(*masquerade.protocol);
        }
    }
    std::vector<Messages> all;
    add_tcp(rules, all);
    add_icmp(*plot.family, rules, all);
    for (const std::uint8_t protocol : named) {
        if (protocol == IPPROTO_TCP || is_icmp(protocol, *plot.family)) continue;
        Messages messages{protocol};
        if (protocol == IPPROTO_IGMP && plot.family == Family::kIpv4) messages.hops = EDGEFW_BUILTIN_IGMP;
        all.push_back(messages);
    }
    all.push_back(Messages{});
    return all;
}

bool matches(const Rule& rule, const Plot& plot, const Messages& messages) {
    if (keeps(rule) && !messages.may_be_kept) return false;
    if (!plot.family) return true;
    if (rule.protocol && rule.protocol != messages.protocol) return false;
    if (messages.details.empty()) return true;
    const auto detail = static_cast<std::uint32_t>(messages.details.front().low);
    if (messages.protocol == IPPROTO_TCP) {
        const auto flags = static_cast<std::uint8_t>(detail);
        return (!rule.tcp_flags || holds(*rule.tcp_flags, flags)) && (!rule.established || (flags & kAckOrRst) != 0);
    }
    return rule.icmp.empty() || std::any_of(rule.icmp.begin(), rule.icmp.end(), [detail](const auto& match) {
               return match.type == detail >> 8 && (!match.code || *match.code == (detail & 0xff));
           });
}

}  // namespace edgefw::difference
