// SPDX-License-Identifier: GPL-2.0-only
// Which addresses are not publicly routable: the IANA special-purpose address registries.
#pragma once

#include <string>

#include "userspace/base/address.h"

namespace edgefw::policy {

// Why `address` is not publicly routable: "Private-Use, RFC 1918". Empty: it is.
std::string not_publicly_routable(const Address& address);

}  // namespace edgefw::policy
