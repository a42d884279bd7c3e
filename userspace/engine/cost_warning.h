// SPDX-License-Identifier: GPL-2.0-only
// What is said of a policy whose rules take long to search.
#pragma once

#include <string>
#include <vector>

#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::engine {

// A search that can take longer is worth a warning: ten thousand rules of the usual shapes stay below.
inline constexpr std::uint32_t kSlowNanoseconds = 1000;

// One line for each hook and family with a search that can take longer, with file:line:column. `shape` is of the same
// policy.
std::vector<std::string> cost_warnings(const policy::Policy& policy, const image::Shape& shape);

}  // namespace edgefw::engine
