// SPDX-License-Identifier: GPL-2.0-only
// Address classes: the sets of one family, and the number of each combination of them that an address can be in.
//
// Sets are taken as prefixes. Two prefixes are nested or disjoint, so the longest prefix that holds an address knows
// all sets the address is in: its own and those of the prefixes around it. Equal combinations are one class.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/base/result.h"
#include "userspace/image/boxes.h"
#include "userspace/image/image.h"

namespace edgefw::image {

class Classes {
public:
    using SetId = std::uint32_t;

    explicit Classes(Family family) : family_(family) {}

    // Sets of the same addresses get the same id. A member that is a single address stays one in the table, also beside
    // its neighbours: prefixes of few lengths are looked up in a hash.
    SetId add(std::vector<AddressRange> members);

    // The addresses of a host name: a set of its own, also where it is equal to another or empty, since they change.
    SetId add_host(const std::string& name, const std::vector<AddressRange>& addresses);

    // After the last add(): numbers the classes so that those of a set are few runs. Fails (kPolicy) when the sets
    // overlap in more ways than a table can hold.
    Result<Ok> number();

    // After number(): the class numbers of all addresses in at least one of `sets`, as few intervals.
    std::vector<Interval> runs(const std::vector<SetId>& sets) const;

    // The table's content, sorted, and its kind.
    const std::vector<ClassPrefix>& prefixes() const { return prefixes_; }
    edgefw_class_table table() const;
    // The lengths that a prefix in the table may have, longest first: with hosts also that of a single address, which
    // they get and lose while the policy is in force.
    const std::vector<int>& lengths() const { return lengths_; }
    Family family() const { return family_; }
    // What each class number means in terms of host names, in order from 1; empty where there are none.
    const std::vector<ClassMeaning>& meanings() const { return meanings_; }
    std::uint32_t count() const { return count_; }

private:
    using Combination = std::vector<SetId>;  // sorted

    struct AddressSet {
        SetId set = 0;
        std::vector<AddressRange> members;  // sorted, disjoint; single addresses are not joined
    };

    struct HostSet {
        SetId set = 0;
        std::vector<AddressRange> addresses;
    };

    void foresee(std::vector<Combination>& combinations) const;
    Combination without_hosts(const Combination& combination) const;
    void measure();
    void give_numbers(std::vector<Combination> combinations);
    void give_meanings(const std::vector<Combination>& combinations, const std::vector<std::uint32_t>& number);

    Family family_;
    std::map<std::vector<AddressRange>, AddressSet> sets_;  // by the same addresses, merged
    std::map<std::string, HostSet> hosts_;
    SetId next_ = 0;
    std::vector<ClassMeaning> meanings_;
    std::vector<ClassPrefix> prefixes_;
    std::vector<int> lengths_;
    std::vector<std::vector<Interval>> runs_;  // by set: its class numbers
    std::uint32_t count_ = 0;
};

// The same addresses as the fewest ranges, sorted.
std::vector<AddressRange> merged(std::vector<AddressRange> ranges);

// The same addresses as disjoint ranges, sorted: the single ones that no range holds stay single, the rest is merged.
std::vector<AddressRange> merged_but_singles(std::vector<AddressRange> ranges);

}  // namespace edgefw::image
