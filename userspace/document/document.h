// SPDX-License-Identifier: GPL-2.0-only
// The document of a policy: what `show --json` prints and what is kept with a generation, because the policy's own text
// may be gone or another one by then.
#pragma once

#include <nlohmann/json.hpp>

#include "userspace/policy/policy.h"

namespace edgefw::document {

// {"rules": [...], "nat": [...], "defaults": {...}, "builtins": [...], "sets": [...], "hosts": [...], "digest",
// "file"}, keys as in docs/policy.md.
nlohmann::ordered_json write(const policy::Policy& policy);

// One entry of "hosts": name, addresses, resolved (seconds since 1970, or null), ttl, problem (text or null).
nlohmann::ordered_json to_json(const policy::Host& host);

}  // namespace edgefw::document
