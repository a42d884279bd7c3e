// check, NAT entries.
#pragma once

#include <vector>

#include "userspace/policy/diagnostics.h"
#include "userspace/policy/expand.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// One Forward per protocol of the entry. None when it has errors.
std::vector<Forward> check_forward(const Item& item, Diagnostics& diagnostics);

// What entries must not do to one another: share a public address, port and protocol, or crowd one target.
void check_forwards(const std::vector<Forward>& forwards, Diagnostics& diagnostics);

}  // namespace edgefw::policy
