// SPDX-License-Identifier: GPL-2.0-only
// What the card's own DHCP clients have asked: the transaction id (RFC 2131 section 2, "xid") as it is on the wire →
// when it was last sent. Of this host's own packets alone, so that nobody else writes here.
#pragma once

#include "maps/abi.h"

#define EDGEFW_DHCP_XIDS 256
#define EDGEFW_DHCP_XID_SECONDS 60  // so long a server may answer

struct edgefw_dhcp_xid {
    __u64 sent;  // CLOCK_MONOTONIC, nanoseconds
};
EDGEFW_ABI_SIZE(edgefw_dhcp_xid, 8);
