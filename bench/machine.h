// SPDX-License-Identifier: GPL-2.0-only
// What the figures were measured on.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace edgefw::bench {

// Name and value, in the order they are printed. What cannot be found out is left out.
std::vector<std::pair<std::string, std::string>> machine_facts();

}  // namespace edgefw::bench
