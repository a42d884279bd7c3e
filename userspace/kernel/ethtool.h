// SPDX-License-Identifier: GPL-2.0-only
// What a card's driver tells by the ethtool ioctl. Needs no permission.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace edgefw::kernel {

// `request` starts with its command; false where the card does not know it.
bool ethtool(const std::string& name, void* request);

// Empty: not told.
std::string driver_of(const std::string& name);
// Queues for received packets; 0: not told.
std::uint32_t receive_queues_of(const std::string& name);

struct Offloads {
    std::set<std::string> on;          // by the names that `ethtool -k` has: "rx-gro-hw", "rx-lro" ...
    std::set<std::string> changeable;  // those of `on` that `ethtool -K` may switch off
};
Offloads offloads_of(const std::string& name);
// Switches one on; false where the card does not take it. Needs CAP_NET_ADMIN.
bool switch_on(const std::string& name, const std::string& offload);

}  // namespace edgefw::kernel
