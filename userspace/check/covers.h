// SPDX-License-Identifier: GPL-2.0-only
// When one rule leaves nothing for another.
#pragma once

#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Whether `earlier` matches every packet that `later` matches. Sets are compared by name: what they hold may change.
// Compares with one rule at a time and range by range: "no" may be wrong, "yes" never is.
bool covers(const Rule& earlier, const Rule& later);

}  // namespace edgefw::policy
