// SPDX-License-Identifier: GPL-2.0-only
// The packets that one list of rules judges, and the kinds of messages among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maps/builtins.h"
#include "userspace/difference/spans.h"
#include "userspace/policy/policy.h"

namespace edgefw::difference {

// The packets of one hook and family. Without a family: frames that are not IP.
struct Plot {
    policy::Side side = policy::Side::kExternal;
    edgefw_hook hook = EDGEFW_RECEIVED;
    std::optional<Family> family;

    auto operator<=>(const Plot&) const = default;
    bool has(const policy::Rule& rule) const;  // whether the rule looks at packets of this plot
};

std::vector<Plot> all_plots();

// All its values on an axis.
Span everything(const Plot& plot, Axis axis);
Box everything(const Plot& plot);

// Packets of one protocol whose TCP flags, or ICMP type and code, no rule of either policy tells apart.
struct Messages {
    std::optional<std::uint8_t> protocol;     // absent: each protocol that neither policy names, or a frame's
    Spans details = {};                       // TCP flags, or type << 8 | code; empty: there are none
    bool opens = true;                        // a connection, where it is let
    bool may_be_kept = true;                  // matched by a pass rule that keeps state
    std::optional<edgefw_builtin> hops = {};  // what passes those of them that come from the link, by their hop limit

    bool has_ports() const;
};

// Every kind of message in the plot: each packet is in one of them.
std::vector<Messages> messages_of(const Plot& plot, const policy::Policy& before, const policy::Policy& after);

// Whether what the rule says of protocol, flags and types holds. (The addresses, ports and VLAN are Restrictions.)
bool matches(const policy::Rule& rule, const Plot& plot, const Messages& messages);

}  // namespace edgefw::difference
