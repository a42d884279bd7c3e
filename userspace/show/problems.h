// SPDX-License-Identifier: GPL-2.0-only
// What is wrong with a policy, for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "userspace/base/result.h"

namespace edgefw::show {

// [{"file", "line", "column", "message", "hint"}]: null for what an error does not say. The hint is the part of the
// message that says what would be right.
nlohmann::ordered_json problems_json(const Error& error);

}  // namespace edgefw::show
