// SPDX-License-Identifier: GPL-2.0-only
// Warnings about masquerades that never translate anything.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Warns of each masquerade of which one entry that is tried before it takes everything: an earlier masquerade of the
// same side, or a static entry of the host. Of a mapped entry also where that is so towards one of its servers. Silent
// where two hairpins give the same public address and ports: it is the same which of them does. Compares all pairs.
void warn_of_hidden_masquerades(const Policy& policy, Diagnostics& diagnostics);

}  // namespace edgefw::policy
