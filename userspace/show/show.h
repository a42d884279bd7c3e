// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw show` prints: made from the document of a policy alone, because the one in force is kept with its
// generation.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/base/result.h"

namespace edgefw::show {

// The document as it was shown before it was pushed: without the counter slots that the kernel layer adds.
Result<nlohmann::ordered_json> show_json(const std::string& document);

// A set may have 200,000 members.
enum class Members { kCounted, kListed };

// The rules in order, headed by profile, table, figure and document; then NAT entries, sets and defaults.
Result<std::string> show_text(const std::string& document, std::size_t width, Members members = Members::kCounted);

}  // namespace edgefw::show
