// SPDX-License-Identifier: GPL-2.0-only
// check: Expansion -> Policy.
#pragma once

#include "userspace/policy/diagnostics.h"
#include "userspace/policy/expand.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/syntax.h"

namespace edgefw::policy {

// `root` is the policy's mapping, `expansion` what expand made of it. The policy is good when `diagnostics` has no
// error. File, digest and warnings are left to load.
Policy check(const Node& root, const Expansion& expansion, Diagnostics& diagnostics);

}  // namespace edgefw::policy
