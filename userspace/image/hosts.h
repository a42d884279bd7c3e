// SPDX-License-Identifier: GPL-2.0-only
// Hosts by name while a policy is in force: their addresses change, the rest of the image does not.
//
// A host is a set of addresses (classes.h). For every combination of hosts that an address may come to be in the image
// has a class in advance, so that an address that comes or goes changes one element of a class table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/image.h"

namespace edgefw::image {

struct Hosts {
    std::vector<policy::Host> hosts;
    std::vector<ClassMeaning> meanings[EDGEFW_FAMILIES];

    std::string to_text() const;
    const policy::Host* find(const std::string& name) const;
};

// The hosts of `image` and what its class numbers mean, as it is kept with a generation; empty: none.
std::string hosts_text(const Image& image);

// What hosts_text() or Hosts::to_text() wrote. Fails (kFailed) on anything else.
Result<Hosts> parse_hosts(const std::string& text);

// An address and the class it gets; 0: none.
struct Move {
    Address address;
    std::uint32_t number = 0;

    bool operator==(const Move&) const = default;
};

// What gives `host` the addresses `next`: those that come first, then those that go. `class_of` tells the class an
// address has now. Nothing: the image has no class for one of them; only a new one can.
std::optional<std::vector<Move>> moves(const Hosts& hosts, const policy::Host& host, const std::vector<Address>& next,
                                       const std::function<std::uint32_t(const Address&)>& class_of);

}  // namespace edgefw::image
