// SPDX-License-Identifier: GPL-2.0-only
// What judging programs are specialised by beside the policy: what their card is like, and what it is doing.
#pragma once

#include <cstdint>

#include "maps/config.h"

namespace edgefw::kernel {

struct Variant {
    edgefw_link_layer link_layer = EDGEFW_ETHERNET;
    bool partial_checksums = false;  // XDP: received packets may carry a checksum that is left to an offload
    bool comes_over = false;         // a push moves connections to tables of another size
    std::uint32_t adopts_until = 0;  // seconds of uptime(); 0: TCP in mid-stream is not adopted
    bool record = false;             // each decision is written down
    std::uint32_t records = 0;       // of the card's ring, for each processor; 0: no packet is recorded
};

// What `explain`, policy tests and `check` judge with: everything that a program on a card could have to do with such a
// packet, and a record of it. Frames have an Ethernet header there. The tables are private and hold what was judged
// before, so nothing is adopted and nothing comes over.
Variant explaining();

}  // namespace edgefw::kernel
