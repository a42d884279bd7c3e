// SPDX-License-Identifier: GPL-2.0-only
// The Ethernet frame of a captured packet, and which way it went.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/base/result.h"
#include "userspace/capture/reader.h"

namespace edgefw::capture {

// The longest frame that is made: IP packets are not longer, but for those that the kernel has merged.
constexpr std::size_t kMostFrame = 65536;

struct Frame {
    std::vector<std::uint8_t> bytes;
    Way way = Way::kUnknown;  // as the record or its cooked header says
    bool filled_up = false;   // less was captured than was on the wire: the rest is zeros
};

// The frame of a record: as captured, or the IP packet behind an Ethernet header that is made up. kFailed with why
// there is none: "link type 127 (IEEE802_11_RADIOTAP) is not read".
Result<Frame> frame_of(const Record& record);

using Mac = std::array<std::uint8_t, 6>;

// What is local: who it is from tells that a packet was sent, who it is for that it was received.
class Locals {
public:
    // Networks, addresses and MAC addresses, each as written. kUsage with the first that is none.
    static Result<Locals> parse(const std::vector<std::string>& texts);

    bool empty() const { return networks_.empty() && macs_.empty(); }

    // A frame from elsewhere to a group (broadcast, multicast) is received. ARP goes by its own addresses.
    Way way_of(const std::vector<std::uint8_t>& frame) const;

private:
    bool holds(std::span<const std::uint8_t> mac) const;
    bool holds(const Address& address) const;

    std::vector<AddressRange> networks_;
    std::vector<Mac> macs_;
};

}  // namespace edgefw::capture
