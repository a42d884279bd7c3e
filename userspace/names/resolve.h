// SPDX-License-Identifier: GPL-2.0-only
// The stage between check and compile: the hosts that rules name get their addresses.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "userspace/names/resolver.h"
#include "userspace/policy/policy.h"

namespace edgefw::names {

// Names to addresses that need no question (--resolve NAME=ADDR[,ADDR...]).
using Fixed = std::map<std::string, std::vector<Address>>;

// Reads such options. Fails (kUsage) on what is none.
Result<Fixed> parse_fixed(const std::vector<std::string>& texts);

using Ask = std::function<std::vector<Answer>(const std::vector<std::string>& names)>;

// Whether the addresses that are in force do for now: whoever pushes does not wait for the DNS, and asks behind.
enum class Wanted { kAnswers, kInForce };

// What is known before anybody is asked.
struct Known {
    Fixed fixed = {};
    std::vector<policy::Host> before = {};  // the hosts in force
    Wanted wanted = Wanted::kAnswers;
};

// Gives every host of `policy` its addresses: those of Known::fixed, else those that `ask` finds, else those that the
// host had in Known::before. One without any matches nothing. Each host without an answer is a warning of the policy.
// Addresses of `before` that the answer does not have stay for Host::keep seconds. With kInForce nobody is asked for a
// host that has addresses in `before`. `now`: seconds since 1970.
void resolve(policy::Policy& policy, const Known& known, const Ask& ask, std::int64_t now);

// A packet's text with each host's name replaced by its first address; a name without one stays.
std::string with_addresses(const std::string& packet, const std::vector<policy::Host>& hosts);

}  // namespace edgefw::names
