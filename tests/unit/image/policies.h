// SPDX-License-Identifier: GPL-2.0-only
// Policies for the tests of this folder, written in C++: no parser stands between a test and the compiler.
#pragma once

#include <netinet/in.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "userspace/image/classes.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::test {

inline AddressRange range(const std::string& text) {
    return *AddressRange::parse(text);
}

inline std::vector<AddressRange> ranges(const std::vector<std::string>& texts) {
    std::vector<AddressRange> result;
    for (const std::string& text : texts)
        result.push_back(range(text));
    return image::merged(std::move(result));
}

inline policy::AddressMatch addresses(const std::vector<std::string>& texts) {
    return {ranges(texts), {}};
}

inline policy::AddressMatch set(const std::string& name) {
    return {{}, {name}};
}

// An external inbound TCP rule that passes and keeps state.
inline policy::Rule tcp_rule(const std::string& id) {
    policy::Rule rule;
    rule.id = id;
    rule.protocol = IPPROTO_TCP;
    rule.action = policy::Action::kPass;
    return rule;
}

inline policy::Rule drop_rule(const std::string& id) {
    policy::Rule rule;
    rule.id = id;
    return rule;
}

inline policy::Policy policy_of(std::vector<policy::Rule> rules) {
    policy::Policy policy;
    policy.rules = std::move(rules);
    policy.builtins = 0;
    return policy;
}

inline packet::Packet packet_of(const std::string& text) {
    return *packet::parse(text);
}

}  // namespace edgefw::test
