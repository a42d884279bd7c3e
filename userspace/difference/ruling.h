// SPDX-License-Identifier: GPL-2.0-only
// The rules of a policy as the packets of one plot see them, and the two lists of a plot side by side.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "userspace/difference/plot.h"
#include "userspace/difference/spans.h"
#include "userspace/policy/policy.h"

namespace edgefw::difference {

// A rule as it is named in both policies: by its meaning, else by its id.
struct Names {
    // By rule number: rules of the two policies that count as one have the same number here.
    std::vector<std::uint32_t> before;
    std::vector<std::uint32_t> after;
    std::vector<std::pair<std::string, std::string>> renamed;  // ids of rules that mean the same
    std::size_t moved = 0;  // rules that mean the same and stand elsewhere among those
};

// What a list says of the packets that nothing above takes.
struct Ruling {
    enum class Kind : std::uint8_t { kRule, kDefault, kBuiltin };

    Restrictions on = {};
    Kind kind = Kind::kRule;
    std::uint32_t number = 0;            // of the rule, or enum edgefw_builtin
    std::uint32_t identity = 0;          // equal in both policies: the same rule (Names), default or built-in rule
    const policy::Rule* rule = nullptr;  // of kRule
    policy::Action action = policy::Action::kDrop;
    bool keeps = false;
    bool changed = false;  // the other list has no such ruling at this place
};

// In order: the first that matches decides, and the last matches everything. Between the rulings of both lists that are
// not `changed` the order is the same: so a packet whose first ruling in either list is not `changed` has the same one
// in the other. (Were they two, each would stand before the other in one list.)
struct Lists {
    std::vector<Ruling> before;
    std::vector<Ruling> after;

    bool are_equal() const;
};

class Rulings {
public:
    Rulings(const policy::Policy& before, const policy::Policy& after);

    const Names& names() const { return names_; }
    // What is said of the messages of a plot is in the lists where `matches()` says so of their rules.
    Lists lists_of(const Plot& plot);
    // Puts the built-in rules that look at the messages ahead of the lists. Those of DHCP, where both policies have
    // them, would cut every box of UDP in pieces: they are left out, and returned.
    std::vector<Restrictions> add_builtins(const Plot& plot, const Messages& messages, Lists& lists);
    Pool& pool() { return pool_; }

private:
    // A rule's restrictions in one family, and all that it says beside. Spans of equal content are one object.
    struct Meaning {
        Restrictions on = {};
        int protocol = -1;
        std::uint32_t flags = 0;
        const Spans* messages = nullptr;
        bool never = false;  // an end has no address of the family
        policy::Action action = policy::Action::kDrop;
        bool keeps = false;

        auto operator<=>(const Meaning&) const = default;
    };
    using Meanings = std::vector<Meaning>;  // by rule number

    struct Version {
        const policy::Policy& policy;
        std::map<std::string, const policy::Set*> sets;
        std::map<std::string, const policy::Host*> hosts;
        std::map<std::pair<std::string, Family>, const Spans*> known;  // sets
        Meanings meanings[EDGEFW_FAMILIES + 1];                        // of each family, and of frames
    };

    Version read(const policy::Policy& policy);
    Meaning meaning_of(Version& version, const policy::Rule& rule, std::optional<Family> family);
    const Spans* addresses(Version& version, const policy::AddressMatch& match, Family family);
    const Spans* set_of(Version& version, const std::string& name, Family family);
    void pair();
    static std::size_t index_of(const Plot& plot);

    Pool pool_;
    Version before_;
    Version after_;
    Names names_;
};

// Of pairs of places, a longest choice in which both grow: indexes into `pairs`, which grow in the second already.
std::vector<std::size_t> longest_in_order(const std::vector<std::pair<std::size_t, std::size_t>>& pairs);

}  // namespace edgefw::difference
