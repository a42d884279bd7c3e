// SPDX-License-Identifier: GPL-2.0-only
// Boxes as they are written: packet notation (docs/policy.md#tests) with ranges in place of values, and a packet of
// one.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "userspace/difference/plot.h"
#include "userspace/difference/spans.h"
#include "userspace/packet/notation.h"

namespace edgefw::difference {

// A box of packets of one protocol, of those that no rule names, or of all.
struct Area {
    enum class Protocols : std::uint8_t { kOne, kOther, kAll };

    Plot plot;
    Box box = {};
    Protocols protocols = Protocols::kOne;
    std::uint8_t protocol = 0;      // of kOne
    std::bitset<256> numbers = {};  // of all these protocols; empty: frames
    Spans details = {};             // of kOne: TCP flags, or ICMP type << 8 | code
    bool all_details = true;
    std::uint8_t example = 0;                  // a protocol of these
    std::optional<std::uint32_t> detail = {};  // one that a packet in notation may have; none: no such packet

    bool contains(const packet::Packet& packet) const;
    long double width() const;  // about the logarithm of the number of packets
    std::string to_text() const;
};

// The areas of one box and of some kinds of messages, as few as can be written. `all`: of the plot; `messages`: their
// places in it. `builtins`: those that are on in one policy or both.
std::vector<Area> areas_of(const Plot& plot, const Box& box, const std::vector<Messages>& all,
                           const std::vector<std::uint32_t>& messages, std::uint32_t builtins);

// A packet of the area. `local_shifts`: how NAT moves its local address. Where `martian` is true no packet is from its
// own destination. Nothing: there is no such packet in notation.
std::optional<packet::Packet> packet_of(const Area& area, const std::vector<uint128>& local_shifts, bool martian);

// Whether each packet of the box is from its own destination.
bool is_all_martian(const Box& box, const std::vector<uint128>& local_shifts);

}  // namespace edgefw::difference
