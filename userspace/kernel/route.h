// SPDX-License-Identifier: GPL-2.0-only
// Which way the kernel sends what this host sends.
#pragma once

#include "userspace/base/address.h"

namespace edgefw::kernel {

// Index of the card by which goes what `local`, an address of this host, sends to `remote`; 0: there is no way.
int route_card(const Address& local, const Address& remote);

}  // namespace edgefw::kernel
