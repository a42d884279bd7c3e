// SPDX-License-Identifier: GPL-2.0-only
// What two policies differ in that changes no packet's verdict.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "userspace/policy/policy.h"

namespace edgefw::difference {

// A line each, as "timeouts tcp-established: 86400 -> 3600".
std::vector<std::string> changed_settings(const policy::Policy& before, const policy::Policy& after);

// NAT entries of another id that translate the same: the ids before and after.
std::vector<std::pair<std::string, std::string>> renamed_nat(const policy::Policy& before, const policy::Policy& after);

}  // namespace edgefw::difference
