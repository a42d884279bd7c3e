// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/classes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <tuple>

namespace edgefw::image {
namespace {

// Lookups in a hash that take no longer than one in a trie, in a table of few prefixes and in one of many: a packet
// from outside of all sets asks for every length, and where there are few prefixes a trie lets it go near its first
// node.
constexpr std::size_t kLengthsOfFew = 2;
constexpr std::size_t kLarge = 4096;  // prefixes

using SetId = Classes::SetId;
using Combination = std::vector<SetId>;

// Set numbers written down for all combinations together: 64 MiB. Ten thousand sets that all overlap would need more.
constexpr std::size_t kMaxCombinationEntries = std::size_t{1} << 24;

// Classes that hosts make beside those there are: with more, an address that moves takes a push.
constexpr std::size_t kMaxForeseen = 20000;

struct Member {
    Prefix prefix;
    SetId set = 0;
};

bool holds(const Prefix& outer, const Prefix& inner) {
    return AddressRange::of(outer).contains(AddressRange::of(inner));
}

void add_members(const std::vector<AddressRange>& ranges, SetId set, std::vector<Member>& members) {
    for (const AddressRange& range : ranges) {
        for (const Prefix& prefix : range.prefixes())
            members.push_back({prefix, set});
    }
}

void sort(std::vector<Member>& members) {
    // Outer prefixes before those they hold.
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
        return std::tie(a.prefix.address, a.prefix.length, a.set) < std::tie(b.prefix.address, b.prefix.length, b.set);
    });
}

Combination united(const Combination& a, const Combination& b) {
    Combination both;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

// Order of the reflected Gray code, the lowest set as first digit: neighbours differ in few sets, so a set's classes
// lie in few runs. `i` ones stand before the first difference; each turns the direction round.
bool gray_less(const Combination& a, const Combination& b) {
    const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (at_a == a.end() && at_b == b.end()) return false;
    const bool a_has_one = at_b == b.end() || (at_a != a.end() && *at_a < *at_b);
    const bool ones_first = (at_a - a.begin()) % 2 != 0;
    return a_has_one == ones_first;
}

// Finds the combination of every prefix, walking them from the outside in.
class Sweep {
public:
    bool add(const Prefix& prefix, const Combination& own) {
        while (!around_.empty() && !holds(around_.back().prefix, prefix))
            around_.pop_back();
        const std::uint32_t id = intern(around_.empty() ? own : united(combinations_[around_.back().number], own));
        around_.push_back({prefix, id});
        prefixes_.push_back({prefix, id});
        return entries_ <= kMaxCombinationEntries;
    }
    std::vector<ClassPrefix> take_prefixes() { return std::move(prefixes_); }
    std::vector<Combination> take_combinations() { return std::move(combinations_); }

private:
    std::uint32_t intern(const Combination& combination) {
        const auto [place, is_new] = ids_.try_emplace(combination, static_cast<std::uint32_t>(combinations_.size()));
        if (is_new) {
            combinations_.push_back(combination);
            entries_ += combination.size();
        }
        return place->second;
    }

    std::vector<ClassPrefix> around_;  // the prefixes that hold the last one, outermost first
    std::vector<ClassPrefix> prefixes_;
    std::vector<Combination> combinations_;
    std::map<Combination, std::uint32_t> ids_;
    std::size_t entries_ = 0;
};

// Sets renamed so that the one in most combinations is 0: the first digit of the code changes least often.
std::vector<Combination> by_frequency(const std::vector<Combination>& combinations, std::size_t sets) {
    std::vector<std::size_t> uses(sets);
    for (const Combination& combination : combinations) {
        for (const SetId set : combination)
            ++uses[set];
    }
    std::vector<SetId> order(sets);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](SetId a, SetId b) { return uses[a] > uses[b]; });
    std::vector<SetId> place(sets);
    for (SetId i = 0; i < sets; ++i)
        place[order[i]] = i;

    std::vector<Combination> renamed = combinations;
    for (Combination& combination : renamed) {
        for (SetId& set : combination)
            set = place[set];
        std::sort(combination.begin(), combination.end());
    }
    return renamed;
}

// Adds a run that begins no earlier than the last one.
void join(std::vector<Interval>& runs, Interval run) {
    if (!runs.empty() && run.low <= runs.back().high + 1)
        runs.back().high = std::max(runs.back().high, run.high);
    else
        runs.push_back(run);
}

}  // namespace

std::vector<AddressRange> merged(std::vector<AddressRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<AddressRange> result;
    for (const AddressRange& range : ranges) {
        const bool joins =
            !result.empty() && result.back().last.family == range.first.family &&
            (range.first.value <= result.back().last.value || range.first.value - result.back().last.value == 1);
        if (!joins) {
            result.push_back(range);
        } else if (result.back().last < range.last) {
            result.back().last = range.last;
        }
    }
    return result;
}

std::vector<AddressRange> merged_but_singles(std::vector<AddressRange> ranges) {
    const auto wide = std::partition(ranges.begin(), ranges.end(),
                                     [](const AddressRange& range) { return range.first == range.last; });
    const std::vector<AddressRange> around = merged({wide, ranges.end()});
    ranges.erase(wide, ranges.end());
    std::sort(ranges.begin(), ranges.end());
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());

    // Of `around`, the first that does not end before the single address.
    auto holder = around.begin();
    std::vector<AddressRange> result = around;
    for (const AddressRange& single : ranges) {
        while (holder != around.end() && holder->last < single.first)
            ++holder;
        if (holder == around.end() || !holder->contains(single.first)) result.push_back(single);
    }
    std::sort(result.begin(), result.end());
    return result;
}

Classes::SetId Classes::add(std::vector<AddressRange> members) {
    std::vector<AddressRange> addresses = merged(members);
    const auto [place, is_new] = sets_.try_emplace(std::move(addresses));
    if (is_new) place->second = {next_++, merged_but_singles(std::move(members))};
    return place->second.set;
}

Classes::SetId Classes::add_host(const std::string& name, const std::vector<AddressRange>& addresses) {
    const auto [place, is_new] = hosts_.try_emplace(name, HostSet{next_, addresses});
    if (is_new) ++next_;
    return place->second.set;
}

Result<Ok> Classes::number() {
    std::vector<Member> members;
    for (const auto& [addresses, set] : sets_)
        add_members(set.members, set.set, members);
    for (const auto& [name, host] : hosts_)
        add_members(host.addresses, host.set, members);
    sort(members);
    Sweep sweep;
    for (std::size_t i = 0; i < members.size();) {
        Combination own;
        const Prefix prefix = members[i].prefix;
        for (; i < members.size() && members[i].prefix == prefix; ++i)
            own.push_back(members[i].set);
        if (!sweep.add(prefix, own)) {
            return Error{ErrorKind::kPolicy, "the address sets overlap in too many ways (more than " +
                                                 std::to_string(kMaxCombinationEntries) +
                                                 " memberships over all combinations); join sets that are used alike"};
        }
    }
    prefixes_ = sweep.take_prefixes();
    measure();
    std::vector<Combination> combinations = sweep.take_combinations();
    foresee(combinations);
    give_numbers(std::move(combinations));
    return Ok{};
}

Classes::Combination Classes::without_hosts(const Combination& combination) const {
    Combination rest = combination;
    for (const auto& [name, host] : hosts_)
        std::erase(rest, host.set);
    return rest;
}

// The classes that addresses may come to be in while the policy is in force: each host with whatever an address is in
// now, and two hosts at one address. What is beyond that needs another push.
void Classes::foresee(std::vector<Combination>& combinations) const {
    if (hosts_.empty()) return;
    std::set<Combination> known(combinations.begin(), combinations.end());
    const auto add = [&](const Combination& combination, std::size_t most) {
        if (combination.empty() || known.size() >= most || !known.insert(combination).second) return;
        combinations.push_back(combination);
    };
    std::set<Combination> rests = {Combination{}};
    for (const Combination& combination : combinations)
        rests.insert(without_hosts(combination));
    // However many: an address that loses its name must stay in its sets.
    for (const Combination& rest : rests)
        add(rest, SIZE_MAX);
    for (const Combination& rest : rests) {
        for (const auto& [name, host] : hosts_)
            add(united(rest, {host.set}), kMaxForeseen);
    }
    for (const auto& [first_name, first] : hosts_) {
        for (const auto& [second_name, second] : hosts_)
            add(united({first.set}, {second.set}), kMaxForeseen);
    }
}

void Classes::give_meanings(const std::vector<Combination>& combinations, const std::vector<std::uint32_t>& number) {
    if (hosts_.empty()) return;
    std::map<Combination, std::uint32_t> numbers;
    for (std::size_t i = 0; i < combinations.size(); ++i)
        numbers[combinations[i]] = number[i];
    meanings_.resize(combinations.size());
    for (std::size_t i = 0; i < combinations.size(); ++i) {
        ClassMeaning& meaning = meanings_[number[i] - 1];
        const auto rest = numbers.find(without_hosts(combinations[i]));
        meaning.rest = rest == numbers.end() ? 0 : rest->second;
        for (const auto& [name, host] : hosts_) {
            if (std::binary_search(combinations[i].begin(), combinations[i].end(), host.set))
                meaning.hosts.push_back(name);
        }
    }
}

void Classes::give_numbers(std::vector<Combination> combinations) {
    count_ = static_cast<std::uint32_t>(combinations.size());
    const std::vector<Combination> keys = by_frequency(combinations, next_);
    std::vector<std::uint32_t> order(count_);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return gray_less(keys[a], keys[b]); });
    runs_.resize(next_);
    std::vector<std::uint32_t> number(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
        number[order[i]] = i + 1;
        for (const SetId set : combinations[order[i]])
            join(runs_[set], {i + 1, i + 1});
    }
    for (ClassPrefix& prefix : prefixes_)
        prefix.number = number[prefix.number];
    give_meanings(combinations, number);
}

std::vector<Interval> Classes::runs(const std::vector<SetId>& sets) const {
    if (sets.size() == 1) return runs_[sets.front()];
    std::vector<Interval> all;
    for (const SetId set : sets)
        all.insert(all.end(), runs_[set].begin(), runs_[set].end());
    std::sort(all.begin(), all.end());
    std::vector<Interval> runs;
    for (const Interval run : all)
        join(runs, run);
    return runs;
}

void Classes::measure() {
    std::set<int, std::greater<>> lengths;
    for (const ClassPrefix& entry : prefixes_)
        lengths.insert(entry.prefix.length);
    if (!hosts_.empty()) lengths.insert(width_of(family_));
    lengths_.assign(lengths.begin(), lengths.end());
}

edgefw_class_table Classes::table() const {
    if (lengths_.empty()) return EDGEFW_CLASSES_NONE;
    const std::size_t most = prefixes_.size() < kLarge ? kLengthsOfFew : EDGEFW_CLASS_LENGTHS;
    return lengths_.size() <= most ? EDGEFW_CLASSES_HASH : EDGEFW_CLASSES_TRIE;
}

}  // namespace edgefw::image
