// SPDX-License-Identifier: GPL-2.0-only
// What `diff` and `push --dry-run` share: the policy in force, and a difference that was checked.
#pragma once

#include <optional>
#include <string>

#include "userspace/base/result.h"
#include "userspace/cli/context.h"
#include "userspace/difference/difference.h"
#include "userspace/engine/build.h"

namespace edgefw::cli {

struct Compared {
    difference::Difference difference;
    bool replayed = false;  // each witness was judged by the programs of both; false: this process may not
};

Result<Compared> compare(const engine::Built& before, const engine::Built& after);

// The policy in force (on `interface`, else the newest), from what is kept with it. Hosts that `after` names, too, have
// the addresses that it has for them: what the DNS says is no difference of the policies. Fails (kFailed) where none is
// in force.
Result<engine::Built> build_in_force(const std::optional<std::string>& interface, const policy::Policy& after);

}  // namespace edgefw::cli
