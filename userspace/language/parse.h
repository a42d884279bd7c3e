// SPDX-License-Identifier: GPL-2.0-only
// parse: text -> Syntax.
#pragma once

#include <string>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"

namespace edgefw::policy {

// Reads one YAML document. Reports duplicate keys, aliases, tags, keys that are not plain words, and IPv6 addresses
// that YAML takes for a map, and goes on; after a syntax error it reports just that one and the root is null.
// Any bytes are safe: depth and number of nodes are bounded.
Syntax parse(const std::string& text, const std::string& file, Diagnostics& diagnostics);

// Likewise of a policy, whose rules may be many: those that the policy writes itself may come as deferred nodes.
Syntax parse_policy(const std::string& text, const std::string& file, Diagnostics& diagnostics);

}  // namespace edgefw::policy
