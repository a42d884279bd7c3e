// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/rules.h"

#include <netinet/in.h>

#include <algorithm>

namespace edgefw::image {
namespace {

constexpr std::size_t kMaxLiterals = 8;     // of one end: more go through a class
constexpr std::size_t kMaxProduct = 64;     // boxes of one rule before its address lists go through a class
constexpr std::size_t kMaxBoxes = 1 << 16;  // of one rule, after that

constexpr std::uint8_t kAckOrRst = 0x14;

std::vector<AddressRange> of_family(const std::vector<AddressRange>& ranges, Family family) {
    std::vector<AddressRange> result;
    std::copy_if(ranges.begin(), ranges.end(), std::back_inserter(result),
                 [&](const AddressRange& range) { return range.first.family == family; });
    return result;
}

std::vector<AddressRange> as_boxes(const std::vector<AddressRange>& ranges, Family family) {
    if (family == Family::kIpv4) return ranges;
    std::vector<AddressRange> result;
    for (const AddressRange& range : ranges) {
        for (const Prefix& prefix : range.prefixes())
            result.push_back(AddressRange::of(prefix));
    }
    return result;
}

// The set's number in `classes`; none where it has no members of the family.
std::optional<Classes::SetId> number_of(const policy::Set& set, Family family, Names& names, Classes& classes) {
    const auto [known, is_new] = names.numbers.try_emplace(&set);
    if (is_new) {
        std::vector<AddressRange> members = of_family(set.members, family);
        if (!members.empty()) known->second = classes.add(std::move(members));
    }
    return known->second;
}

Result<End> end_of(const policy::AddressMatch& match, Family family, Names& names, Classes& classes) {
    End end;
    end.any = match.any();
    end.literals = as_boxes(of_family(match.ranges, family), family);
    if (end.literals.size() > kMaxLiterals) {
        end.sets.push_back(classes.add(of_family(match.ranges, family)));
        end.literals.clear();
    }
    for (const std::string& name : match.sets) {
        const auto set = names.sets.find(name);
        if (set == names.sets.end()) {
            return Error{ErrorKind::kPolicy, "there is no set named " + name};
        }
        if (const auto number = number_of(*set->second, family, names, classes)) end.sets.push_back(*number);
    }
    for (const std::string& name : match.hosts) {
        const auto host = names.hosts.find(name);
        if (host == names.hosts.end()) {
            return Error{ErrorKind::kPolicy, "the host " + name + " was not looked up"};
        }
        std::vector<AddressRange> addresses;
        for (const Address& address : host->second->addresses)
            addresses.push_back(AddressRange::single(address));
        end.sets.push_back(classes.add_host(name, of_family(addresses, family)));
    }
    return end;
}

std::size_t alternatives(const End& end) {
    return end.any ? 1 : end.literals.size() + (end.sets.empty() ? 0 : 1);
}

void literals_to_class(End& end, Classes& classes) {
    if (end.literals.size() < 2) return;
    end.sets.push_back(classes.add(end.literals));
    end.literals.clear();
}

// Where an end's own values go in a region.
struct EndFields {
    unsigned address;
    unsigned number;
};
constexpr EndFields kLocal = {EDGEFW_FIELD_LOCAL, EDGEFW_FIELD_LOCAL_CLASS};
constexpr EndFields kRemote = {EDGEFW_FIELD_REMOTE, EDGEFW_FIELD_REMOTE_CLASS};

void restrict_address(Region& region, unsigned field, const AddressRange& range) {
    const auto first = range.first.words();
    const auto last = range.last.words();
    const unsigned words = range.first.family == Family::kIpv4 ? 1 : 4;
    for (unsigned word = 0; word < words; ++word)
        region[field + word] = {first[word], last[word]};
}

std::vector<Region> spread_end(const std::vector<Region>& bases, const End& end, EndFields fields,
                               const Classes& classes) {
    if (end.any) return bases;
    const std::vector<Interval> runs = classes.runs(end.sets);
    std::vector<Region> result;
    for (const Region& base : bases) {
        for (const AddressRange& range : end.literals) {
            result.push_back(base);
            restrict_address(result.back(), fields.address, range);
        }
        for (const Interval run : runs) {
            result.push_back(base);
            result.back()[fields.number] = run;
        }
    }
    return result;
}

std::vector<Region> spread(const std::vector<Region>& bases, unsigned field, const std::vector<Interval>& values) {
    if (values.empty()) return bases;
    std::vector<Region> result;
    for (const Region& base : bases) {
        for (const Interval value : values) {
            result.push_back(base);
            result.back()[field] = value;
        }
    }
    return result;
}

std::vector<Interval> intervals(const std::vector<policy::PortRange>& ports) {
    std::vector<Interval> result;
    result.reserve(ports.size());
    for (const policy::PortRange& port : ports)
        result.push_back({port.first, port.last});
    return result;
}

std::vector<Interval> intervals(const std::vector<policy::IcmpMatch>& messages) {
    std::vector<Interval> result;
    for (const policy::IcmpMatch& message : messages) {
        const std::uint32_t type = std::uint32_t{message.type} << 8;
        result.push_back({type | message.code.value_or(0), type | message.code.value_or(0xff)});
    }
    return result;
}

bool keeps(const policy::Rule& rule) {
    return rule.action == policy::Action::kPass && rule.state == policy::State::kKeep;
}

void restrict_scalars(Region& region, const policy::Rule& rule) {
    if (rule.protocol) region[EDGEFW_FIELD_PROTOCOL] = {*rule.protocol, *rule.protocol};
    if (rule.vlan) region[EDGEFW_FIELD_VLAN] = {*rule.vlan, *rule.vlan};
    if (keeps(rule)) region[EDGEFW_FIELD_OPENS] = {1, 1};
}

std::size_t product(const policy::Rule& rule) {
    return std::max<std::size_t>(1, rule.local_port.size()) * std::max<std::size_t>(1, rule.remote_port.size()) *
           std::max<std::size_t>(1, rule.icmp.size());
}

std::size_t cases_of(const End& end, const Classes& classes) {
    return end.any ? 1 : end.literals.size() + classes.runs(end.sets).size();
}

// The combinations of the rule's local and remote addresses, everything else left open. They are counted first: lists
// and sets may combine to more than there is memory for.
Result<std::vector<Region>> address_boxes(const policy::Rule& rule, const Ends& ends, const Classes& classes) {
    if (ends.local.never() || ends.remote.never()) return std::vector<Region>{};
    // In two steps: all factors at once may be more than a number holds.
    const std::size_t addresses = cases_of(ends.local, classes) * cases_of(ends.remote, classes);
    if (addresses > kMaxBoxes || addresses * product(rule) > kMaxBoxes) {
        return Error{ErrorKind::kPolicy, "rule " + rule.id + ": its lists combine to more than " +
                                             std::to_string(kMaxBoxes) + " cases; split it, or join ranges of ports"};
    }
    return spread_end(spread_end({everywhere()}, ends.local, kLocal, classes), ends.remote, kRemote, classes);
}

std::vector<Region> boxes_in(std::vector<Region> bases, const policy::Rule& rule) {
    std::vector<Region> regions = std::move(bases);
    for (Region& region : regions)
        restrict_scalars(region, rule);
    regions = spread(regions, EDGEFW_FIELD_LOCAL_PORT, intervals(rule.local_port));
    regions = spread(regions, EDGEFW_FIELD_REMOTE_PORT, intervals(rule.remote_port));
    return spread(regions, EDGEFW_FIELD_DETAIL, intervals(rule.icmp));
}

}  // namespace

bool applies(const policy::Rule& rule, policy::Side side, edgefw_hook hook) {
    if (rule.side != side) return false;
    return rule.direction == policy::Direction::kBoth || policy::hook_of(side, rule.direction) == hook;
}

bool opens_tcp(const policy::Rule& rule) {
    return keeps(rule) && (!rule.protocol || rule.protocol == IPPROTO_TCP);
}

bool applies(const policy::Rule& rule, Family family) {
    if (!rule.is_of_ip()) return false;
    if (rule.protocol == IPPROTO_ICMP) return family == Family::kIpv4;
    if (rule.protocol == IPPROTO_ICMPV6) return family == Family::kIpv6;
    return true;
}

Result<Ends> ends_of(const policy::Rule& rule, Family family, Names& names, Classes& classes) {
    Result<End> local = end_of(rule.local, family, names, classes);
    Result<End> remote = end_of(rule.remote, family, names, classes);
    if (!local || !remote) {
        const Error& error = local ? remote.error() : local.error();
        return Error{error.kind, "rule " + rule.id + ": " + error.message};
    }
    Ends ends{std::move(*local), std::move(*remote)};
    // The longer list first: often that is enough.
    std::array<End*, 2> longest = {&ends.local, &ends.remote};
    if (ends.remote.literals.size() > ends.local.literals.size()) std::swap(longest[0], longest[1]);
    for (End* end : longest) {
        const std::size_t boxes = alternatives(ends.local) * alternatives(ends.remote);
        if (boxes * product(rule) > kMaxProduct) literals_to_class(*end, classes);
    }
    return ends;
}

Result<std::vector<Region>> boxes_of(const policy::Rule& rule, const Ends& ends, const Classes& classes) {
    auto bases = address_boxes(rule, ends, classes);
    if (!bases) return bases;
    return boxes_in(std::move(*bases), rule);
}

Result<std::vector<Region>> asking_boxes_of(const policy::Rule& rule, const Ends& ends, const Classes& classes,
                                            const Boxes& boxes) {
    static const Region whole = everywhere();
    auto bases = address_boxes(rule, ends, classes);
    if (!bases) return bases;
    for (Region& region : *bases) {
        region[EDGEFW_FIELD_PROTOCOL] = {IPPROTO_TCP, IPPROTO_TCP};
        // An address that no rule of this direction restricts stays open: asking the table too often is cheaper than a
        // class that no rule here needs.
        for (const unsigned field : {EDGEFW_FIELD_LOCAL_CLASS, EDGEFW_FIELD_REMOTE_CLASS}) {
            if (!boxes.restricts(field)) region[field] = whole[field];
        }
    }
    return boxes_in(std::move(*bases), rule);
}

void add_link_boxes(const policy::Rule& rule, std::uint32_t number, Boxes& boxes) {
    for (const policy::EthertypeRange& range : rule.ethertypes) {
        Region region = everywhere();
        region[EDGEFW_FIELD_DETAIL] = {range.first, range.last};
        if (rule.vlan) region[EDGEFW_FIELD_VLAN] = {*rule.vlan, *rule.vlan};
        boxes.add(number, region);
    }
}

Ending ending_of(const policy::Rule& rule, std::uint32_t number) {
    Ending ending;
    ending.outcome = number;
    if (rule.action == policy::Action::kPass) ending.outcome |= EDGEFW_OUTCOME_PASS;
    if (keeps(rule)) ending.outcome |= EDGEFW_OUTCOME_KEEP;
    if (rule.log) ending.outcome |= EDGEFW_OUTCOME_LOG;
    if (rule.tcp_flags) {
        ending.flags.mask = rule.tcp_flags->mask;
        ending.flags.value = rule.tcp_flags->value;
    }
    if (rule.established) ending.flags.any_of = kAckOrRst;
    return ending;
}

}  // namespace edgefw::image
