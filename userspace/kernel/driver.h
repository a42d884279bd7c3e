// SPDX-License-Identifier: GPL-2.0-only
// What a card's driver does around an XDP program that the kernel does not tell whoever attaches one. docs/cards.md
// says in which kernel each of it was read or seen.
#pragma once

#include <cstdint>
#include <string>

#include "userspace/base/result.h"

namespace edgefw::kernel {

struct Driver {
    std::string interface;
    std::string name;  // as `ethtool -i` says: "virtio_net"; empty: the card does not say
    std::uint32_t mtu = 0;
    std::string virtio_features;  // "0" and "1", bit 0 first; empty: no virtio card, or /sys does not show it
};

Driver read_driver(const std::string& interface);

// Why received frames would go past a native XDP program although the driver takes it without a word; empty: none do.
std::string unseen_by_native(const Driver& driver);

// What the kernel says about a program that it does not attach (`flags`: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE):
// links have no place for its words, netlink has. Attaches nothing. Empty: it says nothing.
std::string words_of_refusal(int ifindex, int program, std::uint32_t flags);

// One line: that native XDP was refused, in the kernel's words (`said`; empty: the text of `number`), and what helps.
std::string native_refusal(const Driver& driver, const std::string& said, int number);

// virtio_net posts buffers to the device long before frames come, and drops a frame whose first buffer was posted
// before the native program and holds more than fits beside the program's headroom: up to a ring of jumbo frames in a
// row, which a quiet card takes hours to use up. Such a card gets its receive rings anew, which loses what waits in
// them at that moment. Returns a warning where that cannot be done; empty: all is well.
std::string renew_receive_buffers(const Driver& driver);

}  // namespace edgefw::kernel
