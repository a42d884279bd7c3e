// SPDX-License-Identifier: GPL-2.0-only
// Warnings about what a `use:` gives and nothing takes.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// Warns of each variable under `with:` that no row chosen by the options names: whoever gave it believes that it has an
// effect (an address to map, and no mapping).
void warn_of_unused_variables(const ProfileUse& use, Diagnostics& diagnostics);

}  // namespace edgefw::policy
