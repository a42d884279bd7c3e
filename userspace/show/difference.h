// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw diff` and `edgefw push --dry-run` print of a difference.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/difference/difference.h"

namespace edgefw::show {

// `replayed`: the programs of both policies have judged the examples, and agree.
std::string difference_text(const difference::Difference& difference, bool replayed);
nlohmann::ordered_json difference_json(const difference::Difference& difference, bool replayed);

}  // namespace edgefw::show
