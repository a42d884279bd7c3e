// SPDX-License-Identifier: GPL-2.0-only
// check: Expansion -> Policy.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/language/set_files.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/expand.h"

namespace edgefw::policy {

// `root` is the policy's mapping, `expansion` what expand made of it, `files` those that its sets name. The policy is
// good when `diagnostics` has no error. File, digest and warnings are left to load.
Policy check(const Node& root, const Expansion& expansion, const std::vector<SetFile>& files, Diagnostics& diagnostics);

}  // namespace edgefw::policy
