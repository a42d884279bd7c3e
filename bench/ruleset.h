// SPDX-License-Identifier: GPL-2.0-only
// Large sets of rules in the shapes that real ones have, and packets for them. The same ones in each run.
//
// After what ClassBench (Taylor and Turner, INFOCOM 2005) found in the filters of providers: access lists (acl) that
// name a network on both sides and a port on one, firewalls (fw) with many wildcards, and chains (ipc) whose networks
// nest. The figures of the shapes are our own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::bench {

// Shares of the rules, of 1.
struct AddressShape {
    double any;
    unsigned shortest, longest;  // prefix lengths
    double nested;               // of the networks: inside of one that is there
    double fresh;                // of the rules: name a network of their own
};
struct PortShape {
    double any, exact, high;  // the others are ranges; high is 1024 and above
};
struct Shape {
    const char* name;
    AddressShape local, remote;
    PortShape local_port, remote_port;
    double tcp, udp;  // the others have no ports
};

// Twelve: acl1 to acl5, fw1 to fw5, ipc1 and ipc2.
std::span<const Shape> shapes();

// By place: local address, remote address, local port, remote port, protocol.
inline constexpr std::size_t kTuple = 5;
using Filter = std::array<image::Interval, kTuple>;
using Header = std::array<std::uint32_t, kTuple>;

// Specific rules stand before general ones, as people write them; none is twice. Addresses are prefixes.
std::vector<Filter> filters_of(const Shape& shape, std::size_t count);

// Each is inside of some filter.
std::vector<Header> headers_of(const std::vector<Filter>& filters, std::size_t count);

// The boxes of rules that pass and keep state, as `action: pass` does.
image::Boxes boxes_of(const std::vector<Filter>& filters);

// The first filter that holds the header: its number, or how many filters there are.
std::size_t first_of(const std::vector<Filter>& filters, const Header& header);

}  // namespace edgefw::bench
