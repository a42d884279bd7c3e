// SPDX-License-Identifier: GPL-2.0-only
// How NAT entries part the packets of a plot, as they are on the wire.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "userspace/difference/plot.h"
#include "userspace/difference/spans.h"
#include "userspace/policy/policy.h"

namespace edgefw::difference {

// What becomes of a translated packet's local end. Equal: the same, whichever entry does it.
struct Translation {
    enum class Kind : std::uint8_t { kNone, kDestination, kSource, kMasquerade };

    Kind kind = Kind::kNone;
    uint128 address = 0;     // that the local end gets
    uint128 port_shift = 0;  // what is added to the local port, modulo 2^128
    policy::PortRange ports = {};
    bool keeps_parity = false;

    auto operator<=>(const Translation&) const = default;
};

// The packets that one entry translates, as far as no piece before has them.
struct Piece {
    Restrictions on = {};  // as they are on the wire
    std::string nat = {};  // id of the entry; empty: nothing translates them
    Translation translation = {};
    uint128 local_shift = 0;  // what makes the local address that on the wire the one inside, by adding
    bool needs_connection = false;

    uint128 shift(unsigned axis) const {
        if (axis == kLocal) return local_shift;
        return axis == kLocalPort && translation.kind == Translation::Kind::kDestination ? translation.port_shift : 0;
    }
};

// In order, the last of which has every packet.
std::vector<Piece> pieces_of(const policy::Policy& policy, const Plot& plot, const Messages& messages, Pool& pool);

}  // namespace edgefw::difference
