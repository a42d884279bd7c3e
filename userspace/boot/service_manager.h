// SPDX-License-Identifier: GPL-2.0-only
// sd_notify(3), its datagram.
#pragma once

#include <string>

namespace edgefw::boot {

// Tells the service manager that started this process how it stands ("READY=1\nSTATUS=..."). Nobody did: nothing.
void tell_service_manager(const std::string& state);

}  // namespace edgefw::boot
